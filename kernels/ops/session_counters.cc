#include "session_counters.h"

#include <map>
#include <mutex>
#include <string>

#ifdef MINFERENCE_CUDA
#include "minference/cuda.h"
#endif

namespace minference::ops {
namespace {

// Never destroyed: threads of ONNX Runtime may outlive main().
struct Registry {
  std::mutex mutex;
  std::map<std::string, std::weak_ptr<Counters>> sessions;
};

Registry& registry() {
  static Registry* registry = new Registry;
  return *registry;
}

std::shared_ptr<Counters> find(const std::string& name) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  const auto found = all.sessions.find(name);
  return found == all.sessions.end() ? nullptr : found->second.lock();
}

}  // namespace

std::shared_ptr<Counters> session_counters(const Ort::ConstKernelInfo& info) {
  const Ort::KeyValuePairs entries = info.GetConfigEntries();
  const char* name = entries.GetValue(kSessionKey);
  if (name == nullptr) return nullptr;
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  std::erase_if(all.sessions, [](const auto& session) { return session.second.expired(); });
  std::weak_ptr<Counters>& known = all.sessions[name];
  std::shared_ptr<Counters> counters = known.lock();
  if (counters == nullptr) known = counters = std::make_shared<Counters>();
  return counters;
}

}  // namespace minference::ops

extern "C" int32_t MinferenceReadCounters(const char* session, int64_t* values, int32_t count) {
  try {
    const std::shared_ptr<minference::Counters> counters = minference::ops::find(session);
    if (counters == nullptr) return 0;
#ifdef MINFERENCE_CUDA
    minference::cuda::collect_times();
#endif
    const int64_t all[] = {counters->index_ns, counters->total_ns, counters->calls, counters->tiles,
                           counters->dense_tiles};
    constexpr int32_t known = sizeof(all) / sizeof(all[0]);
    for (int32_t i = 0; i < count && i < known; ++i) values[i] = all[i];
    return known;
  } catch (...) {
    return 0;  // a device that is lost; the run that waits for it is told
  }
}
