// Device time of a piece of work: CUDA events around it, the L2 flushed before it.
#pragma once

#include <cuda_runtime_api.h>

#include <functional>

namespace minference::cuda::bench {

struct Time {
  double median, least, most;  // milliseconds
  int runs;
};

class Timer {
 public:
  Timer(cudaStream_t stream, int runs);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Warms up, then times `work`; `before` runs before every run and is not timed.
  Time measure(const std::function<void()>& work, const std::function<void()>& before);

 private:
  double run_once(const std::function<void()>& work, const std::function<void()>& before);

  cudaStream_t stream_;
  int runs_;
  void* flushed_ = nullptr;
  int rounds_ = 0;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
};

}  // namespace minference::cuda::bench
