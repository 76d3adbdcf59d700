// What the execution provider's allocator is to the kernels: scratch from one block, counted, free again at every
// reset.
#pragma once

#include <cuda_runtime_api.h>

#include <algorithm>
#include <string>

#include "../common/check.h"

namespace minference::cuda::bench {

class Scratch {
 public:
  explicit Scratch(size_t capacity) : capacity_(capacity) {
    check(cudaMalloc(reinterpret_cast<void**>(&base_), capacity), "allocating scratch memory");
  }
  ~Scratch() { cudaFree(base_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  Context context(cudaStream_t stream) {
    return {.stream = stream, .allocate = [this](size_t bytes) { return take(bytes); }};
  }
  void reset() { used_ = 0; }
  size_t used() const { return used_; }  // since the last reset

 private:
  void* take(size_t bytes) {
    const size_t begin = used_;
    used_ += (std::max<size_t>(bytes, 1) + 255) / 256 * 256;
    if (used_ > capacity_) throw CudaError("more scratch than the bench has: " + std::to_string(used_) + " bytes");
    return base_ + begin;
  }

  char* base_ = nullptr;
  size_t capacity_, used_ = 0;
};

}  // namespace minference::cuda::bench
