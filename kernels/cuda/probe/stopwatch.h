// Device time between points of a stream.
#pragma once

#include <cuda_runtime_api.h>

#include "../common/check.h"

namespace minference::cuda {

class Stopwatch {
 public:
  explicit Stopwatch(cudaStream_t stream) : stream_(stream) {
    check(cudaEventCreate(&start_), "creating an event");
    if (cudaEventCreate(&stop_) != cudaSuccess) {
      cudaEventDestroy(start_);
      throw CudaError("creating an event failed");
    }
  }
  ~Stopwatch() {
    cudaEventDestroy(start_);
    cudaEventDestroy(stop_);
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

  void start() { check(cudaEventRecord(start_, stream_), "recording an event"); }
  void stop() { check(cudaEventRecord(stop_, stream_), "recording an event"); }

  // Waits for the device.
  double microseconds() const {
    float milliseconds = 0;
    check(cudaEventSynchronize(stop_), "waiting for an event");
    check(cudaEventElapsedTime(&milliseconds, start_, stop_), "reading a time");
    return 1000.0 * static_cast<double>(milliseconds);
  }

 private:
  cudaStream_t stream_;
  cudaEvent_t start_ = nullptr, stop_ = nullptr;
};

}  // namespace minference::cuda
