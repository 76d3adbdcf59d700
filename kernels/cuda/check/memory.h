// Device memory of one check; with the emulator, the host's.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdlib>
#include <vector>

#include "../common/check.h"

namespace minference::cuda::check_kernels {

class DeviceMemory {
 public:
  DeviceMemory() = default;
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;
  ~DeviceMemory() {
    for (void* block : blocks_) cudaFree(block);
  }

  // Filled with NaNs of every type: what a kernel does not write, or reads without need, shows. For compute-sanitizer's
  // initcheck, which is to see the same, MINFERENCE_NO_POISON leaves it as it is.
  void* allocate(size_t bytes) {
    void* block = nullptr;
    check(cudaMalloc(&block, bytes == 0 ? 1 : bytes), "cudaMalloc");
    blocks_.push_back(block);
    static const bool poisons = std::getenv("MINFERENCE_NO_POISON") == nullptr;
    if (poisons) check(cudaMemset(block, 0xff, bytes), "cudaMemset");
    return block;
  }

  template <typename T>
  T* upload(const std::vector<T>& values) {
    auto* block = static_cast<T*>(allocate(values.size() * sizeof(T)));
    check(cudaMemcpy(block, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice), "cudaMemcpy");
    return block;
  }

  Context context() {
    // For compute-sanitizer's racecheck.
    static const bool every_lane = std::getenv("MINFERENCE_EVERY_LANE_ARRIVES") != nullptr;
    return {.stream = nullptr,
            .allocate = [this](size_t bytes) { return allocate(bytes); },
            .every_lane_arrives = every_lane};
  }

 private:
  std::vector<void*> blocks_;
};

template <typename T>
std::vector<T> download(const void* block, size_t count) {
  std::vector<T> values(count);
  check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  check(cudaMemcpy(values.data(), block, count * sizeof(T), cudaMemcpyDeviceToHost), "cudaMemcpy");
  return values;
}

}  // namespace minference::cuda::check_kernels
