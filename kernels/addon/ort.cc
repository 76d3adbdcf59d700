#include "ort.h"

#include <dlfcn.h>

#include <memory>
#include <stdexcept>

namespace minference::addon {
namespace {

std::string opened_path;
std::string version;
// Never destroyed: sessions may outlive static destruction at process exit.
Ort::Env* env = nullptr;

}  // namespace

std::string open_ort(const std::string& path) {
  if (env != nullptr) {
    if (path == opened_path) return version;
    throw std::runtime_error("ONNX Runtime is already loaded from " + opened_path);
  }
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(dlerror());
  auto* get_base = reinterpret_cast<const OrtApiBase* (*)()>(dlsym(library, "OrtGetApiBase"));
  if (get_base == nullptr) throw std::runtime_error(path + " does not export OrtGetApiBase");
  const OrtApi* api = get_base()->GetApi(ORT_API_VERSION);
  if (api == nullptr) {
    throw std::runtime_error("expected ONNX Runtime with API version " + std::to_string(ORT_API_VERSION) + ", found " +
                             get_base()->GetVersionString() + " in " + path);
  }
  Ort::InitApi(api);
  env = new Ort::Env(ORT_LOGGING_LEVEL_ERROR, "minference");
  opened_path = path;
  version = get_base()->GetVersionString();
  return version;
}

Ort::Env& ort_env() {
  if (env == nullptr) throw std::logic_error("ONNX Runtime is not loaded");
  return *env;
}

}  // namespace minference::addon
