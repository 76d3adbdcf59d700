#include "ort.h"

#include <dlfcn.h>

#include <mutex>
#include <stdexcept>

#include "tensor_data.h"

namespace minference::addon {
namespace {

struct Runtime {
  std::string path;
  std::string version;
  Ort::Env env{nullptr};
};

std::mutex mutex;
// Never destroyed: sessions may outlive static destruction at process exit.
Runtime* runtime = nullptr;

const OrtApi* find_api(const std::string& path, std::string& version) {
  // Kept open for the life of the process; the copy that onnxruntime-node has loaded is found, not loaded again.
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(dlerror());
  auto* get_base = reinterpret_cast<const OrtApiBase* (*)()>(dlsym(library, "OrtGetApiBase"));
  if (get_base == nullptr)
    throw std::runtime_error(path + " does not export OrtGetApiBase: not an ONNX Runtime library");
  version = get_base()->GetVersionString();
  const OrtApi* api = get_base()->GetApi(ORT_API_VERSION);
  if (api == nullptr) {
    throw std::runtime_error("expected ONNX Runtime with API version " + std::to_string(ORT_API_VERSION) + " (1." +
                             std::to_string(ORT_API_VERSION) + " or newer), found " + version + " in " + path);
  }
  return api;
}

}  // namespace

std::string open_ort(const std::string& path) {
  const std::lock_guard lock(mutex);
  if (runtime != nullptr) {
    if (path == runtime->path) return runtime->version;
    throw std::runtime_error("ONNX Runtime is already loaded from " + runtime->path);
  }
  std::string version;
  Ort::InitApi(find_api(path, version));
  runtime = new Runtime{path, version, Ort::Env(ORT_LOGGING_LEVEL_FATAL, "minference")};
  return version;
}

Ort::MemoryInfo memory_of(const Place& place) {
  if (place.on_host()) return Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  return Ort::MemoryInfo("Cuda", OrtArenaAllocator, place.device, OrtMemTypeDefault);
}

Ort::Env& ort_env() {
  if (runtime == nullptr) throw std::logic_error("ONNX Runtime is not loaded");
  return runtime->env;
}

}  // namespace minference::addon
