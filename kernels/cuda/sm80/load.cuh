// Global to shared memory, by cp.async. What a head lacks in size is filled with zeros.
#pragma once

#include "../ptx/cp_async.cuh"
#include "shape.cuh"

namespace minference::cuda::sm80 {

// Which chunks of which rows a thread copies: kLanes neighbours share a row.
template <typename S>
struct CopyShape {
  static constexpr int kChunks = S::Row::kChunks;
  static constexpr int kLanes = kChunks % 32 == 0 ? 32 : kChunks % 16 == 0 ? 16 : kChunks % 8 == 0 ? 8 : 4;
  static_assert(kChunks % kLanes == 0);
};

// Keys or values of one tile, by all threads. `head`: key 0 of this cache head.
template <typename S, typename T>
__device__ inline void load_tile(unsigned char* slot, const T* head, int head_dim, const int32_t* keys) {
  constexpr int kLanes = CopyShape<S>::kLanes, kGroups = kThreads / kLanes, kEach = S::kKeys / kGroups;
  static_assert(S::kKeys % kGroups == 0);
  const int group = static_cast<int>(threadIdx.x) / kLanes, lane = static_cast<int>(threadIdx.x) % kLanes;
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const int row = group * kEach + i;
    const int32_t key = keys[row];
    const bool has_key = key != kNoKey;
    const T* from = head + int64_t{has_key ? key : 0} * head_dim;
#pragma unroll
    for (int chunk = lane; chunk < CopyShape<S>::kChunks; chunk += kLanes) {
      const bool is_valid = has_key && chunk * 8 < head_dim;
      ptx::cp_async_16(slot + S::Row::offset(row, chunk), is_valid ? from + chunk * 8 : head, is_valid);
    }
  }
}

// Query rows of this warp: `count` of them exist. `from`: the warp's first row.
template <typename S, typename T>
__device__ inline void load_queries(unsigned char* queries, const T* from, int64_t stride, int head_dim, int count) {
  constexpr int kLanes = CopyShape<S>::kLanes, kGroups = 32 / kLanes;
  const int lane = static_cast<int>(threadIdx.x % 32);
#pragma unroll 4
  for (int row = lane / kLanes; row < S::kWarpRows; row += kGroups) {
#pragma unroll
    for (int chunk = lane % kLanes; chunk < CopyShape<S>::kChunks; chunk += kLanes) {
      const bool is_valid = row < count && chunk * 8 < head_dim;
      ptx::cp_async_16(queries + S::Row::offset(row, chunk), is_valid ? from + row * stride + chunk * 8 : from, is_valid);
    }
  }
}

}  // namespace minference::cuda::sm80
