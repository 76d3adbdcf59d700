// Barriers 1 … 15 among some warps of a block; `threads` counts those that sync and those that only arrive.
#pragma once

#include "common/launch.cuh"

namespace minference::cuda::ptx {

__device__ inline void named_sync(int id, int threads) {
  asm volatile("bar.sync %0, %1;\n" ::"r"(id), "r"(threads) : "memory");
}
__device__ inline void named_arrive(int id, int threads) {
  asm volatile("bar.arrive %0, %1;\n" ::"r"(id), "r"(threads) : "memory");
}

}  // namespace minference::cuda::ptx
