#include "run_tasks.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

namespace minference::cpu {

void run_tasks_inline(int64_t count, const std::function<TaskRunner()>& make_worker) {
  if (count <= 0) return;
  const TaskRunner run = make_worker();
  for (int64_t task = 0; task < count; ++task) run(task);
}

void run_tasks(const ParallelFor& parallel, int64_t count, const std::function<TaskRunner()>& make_worker) {
  static const int64_t processors = std::max<int64_t>(1, std::thread::hardware_concurrency());
  if (count <= 1 || processors == 1) return run_tasks_inline(count, make_worker);
  std::atomic<int64_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  parallel(std::min(processors, count), [&](int64_t) {
    try {
      if (next.load(std::memory_order_relaxed) >= count) return;
      const TaskRunner run = make_worker();
      for (int64_t task = next++; task < count; task = next++) run(task);
    } catch (...) {
      next = count;
      const std::lock_guard lock(mutex);
      if (failure == nullptr) failure = std::current_exception();
    }
  });
  if (failure != nullptr) std::rethrow_exception(failure);
}

}  // namespace minference::cpu
