// Barriers 1 … 15 among some warps of a block; `threads` counts those that sync and those that only arrive.
#pragma once

#include "../common/launch.cuh"

namespace minference::cuda::ptx {

#ifdef MINFERENCE_EMULATE

inline void named_sync(int id, int threads) { emulate::barrier_sync(id, threads); }
inline void named_arrive(int id, int threads) { emulate::barrier_arrive(id, threads); }

#else

__device__ inline void named_sync(int id, int threads) {
  asm volatile("bar.sync %0, %1;\n" ::"r"(id), "r"(threads) : "memory");
}
__device__ inline void named_arrive(int id, int threads) {
  asm volatile("bar.arrive %0, %1;\n" ::"r"(id), "r"(threads) : "memory");
}

#endif

}  // namespace minference::cuda::ptx
