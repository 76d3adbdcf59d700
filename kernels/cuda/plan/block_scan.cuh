// Sums over the threads of a block, in a fixed order.
#pragma once

#include "common/launch.cuh"

namespace minference::cuda {

__device__ inline int warp_inclusive_sum(int value) {
  const int lane = static_cast<int>(threadIdx.x % 32);
#pragma unroll
  for (int delta = 1; delta < 32; delta *= 2) {
    const int other = __shfl_up_sync(0xffffffffu, value, delta);
    if (lane >= delta) value += other;
  }
  return value;
}

// Sum of `value` over the threads before this one; `total` over all. `warp_sums` is shared, [kThreads / 32].
template <int kThreads>
__device__ inline int block_exclusive_sum(int value, int* warp_sums, int& total) {
  const int inclusive = warp_inclusive_sum(value);
  if (threadIdx.x % 32 == 31) warp_sums[threadIdx.x / 32] = inclusive;
  __syncthreads();
  int before = 0;
  total = 0;
#pragma unroll 4
  for (int w = 0; w < kThreads / 32; ++w) {
    if (w < static_cast<int>(threadIdx.x / 32)) before += warp_sums[w];
    total += warp_sums[w];
  }
  __syncthreads();  // the sums may be overwritten
  return before + inclusive - value;
}

}  // namespace minference::cuda
