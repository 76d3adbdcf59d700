#include "read_counters.h"

#include <dlfcn.h>

#include <stdexcept>

namespace minference::addon {
namespace {

constexpr int32_t kCounters = 5;

using ReadCounters = int32_t (*)(const char* session, int64_t* values, int32_t count);

// Sessions load the library and it stays: what is not there is not loaded for its counters.
ReadCounters find_reader(const std::string& library) {
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_NOLOAD);
  if (handle == nullptr) throw std::runtime_error("expected a session with " + library + ", found none");
  auto* reader = reinterpret_cast<ReadCounters>(dlsym(handle, "MinferenceReadCounters"));
  dlclose(handle);
  if (reader == nullptr) throw std::runtime_error("expected MinferenceReadCounters in " + library + ", found none");
  return reader;
}

}  // namespace

std::vector<int64_t> read_counters(const std::string& library, const std::string& session) {
  std::vector<int64_t> values(kCounters);
  const int32_t known = find_reader(library)(session.c_str(), values.data(), kCounters);
  if (known < kCounters) values.clear();
  return values;
}

}  // namespace minference::addon
