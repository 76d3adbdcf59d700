// cp.async: 16 bytes from global to shared memory without passing through registers.
#pragma once

#include <cstdint>

#include "common/launch.cuh"

namespace minference::cuda::ptx {

// With `valid` false the destination is filled with zeros and the source is not read.
__device__ inline void cp_async_16(void* shared, const void* global, bool valid) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  const int bytes = valid ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(address), "l"(global), "r"(bytes) : "memory");
}
__device__ inline void cp_async_commit() { asm volatile("cp.async.commit_group;\n" ::: "memory"); }
template <int kMayRemain>
__device__ inline void cp_async_wait() {
  asm volatile("cp.async.wait_group %0;\n" ::"n"(kMayRemain) : "memory");
}

}  // namespace minference::cuda::ptx
