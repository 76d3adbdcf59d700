// Finding what a launch of attention has to leave to the second one.
#pragma once

#include "common/launch.cuh"
#include "work_queue.h"

namespace minference::cuda {

// Sum of what is 0 unless one of the numbers is not finite: then it is NaN.
struct AnomalySum {
  float sum = 0;
  __device__ __forceinline__ void add(float x) { sum = fmaf(x, 0.0f, sum); }
  __device__ __forceinline__ bool found() const { return sum != sum; }
};

// Lists the item, once, however many warps find it spoiled.
__device__ inline void list_spoiled(const SpoiledItems& spoiled, WorkItem item) {
  const int64_t at = item.head * spoiled.items_per_head + item.block;
  const uint32_t bit = 1u << at % 32;
  if ((atomicOr(spoiled.listed + at / 32, bit) & bit) == 0) spoiled.items[atomicAdd(spoiled.count, 1)] = item;
}

}  // namespace minference::cuda
