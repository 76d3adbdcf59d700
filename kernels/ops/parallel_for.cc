#include "parallel_for.h"

#include <exception>
#include <mutex>

namespace minference::ops {
namespace {

struct Tasks {
  const std::function<void(int64_t)>& run;
  std::mutex mutex;
  std::exception_ptr failure;
};

void run_task(void* user, size_t index) {
  auto* tasks = static_cast<Tasks*>(user);
  try {
    tasks->run(static_cast<int64_t>(index));
  } catch (...) {
    const std::lock_guard lock(tasks->mutex);
    if (tasks->failure == nullptr) tasks->failure = std::current_exception();
  }
}

}  // namespace

ParallelFor parallel_for(OrtKernelContext* context) {
  return [context](int64_t count, const std::function<void(int64_t)>& fn) {
    if (count <= 0) return;
    Tasks tasks{fn, {}, nullptr};
    // Number of batches 0: one task per index, so that long and short ones balance.
    Ort::KernelContext(context).ParallelFor(run_task, static_cast<size_t>(count), 0, &tasks);
    if (tasks.failure != nullptr) std::rethrow_exception(tasks.failure);
  };
}

}  // namespace minference::ops
