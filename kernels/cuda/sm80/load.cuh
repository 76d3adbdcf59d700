// Global to shared memory, by cp.async. What a head lacks in size is filled with zeros.
#pragma once

#include "ptx/cp_async.cuh"
#include "shape.cuh"

namespace minference::cuda::sm80 {

// Which chunks of which rows a thread copies: kLanes neighbours share a row.
template <typename S>
struct CopyShape {
  static constexpr uint32_t kChunks = S::Row::kChunks;
  static constexpr uint32_t kLanes = kChunks % 32 == 0 ? 32 : kChunks % 16 == 0 ? 16 : kChunks % 8 == 0 ? 8 : 4;
  static constexpr uint32_t kTurns = kChunks / kLanes;
  static_assert(kChunks % kLanes == 0);
};

// Keys or values of one tile, by all threads. `head`: key 0 of this cache head.
template <typename S>
__device__ inline void load_tile(unsigned char* slot, const void* head, uint32_t head_dim, const int32_t* keys) {
  using Copy = CopyShape<S>;
  constexpr uint32_t kGroups = kThreads / Copy::kLanes;
  static_assert(S::kKeys % kGroups == 0);
  const uint32_t group = threadIdx.x / Copy::kLanes, lane = threadIdx.x % Copy::kLanes;
  const auto* from = static_cast<const unsigned char*>(head) + lane * 16;
  constexpr uint32_t kRows = S::kKeys / kGroups;
  uint32_t own_keys[kRows];  // all at once: the copies would wait for each in turn
#pragma unroll
  for (uint32_t i = 0; i < kRows; ++i) own_keys[i] = static_cast<uint32_t>(keys[group + i * kGroups]);
#pragma unroll
  for (uint32_t i = 0; i < kRows; ++i) {
    // Of kNoKey, an address that is not read.
    const unsigned char* row = from + uint64_t{own_keys[i]} * (head_dim * 2);
#pragma unroll
    for (uint32_t turn = 0; turn < Copy::kTurns; ++turn) {
      const uint32_t chunk = lane + turn * Copy::kLanes;
      ptx::cp_async_16(slot + S::Row::offset(group + i * kGroups, chunk), row + turn * Copy::kLanes * 16,
                       own_keys[i] != kNoKey && chunk * 8 < head_dim);
    }
  }
}

// Query rows of this warp: `count` of them exist. `from`: the warp's first row.
template <typename S, typename T>
__device__ inline void load_queries(unsigned char* queries, const T* from, int64_t stride, int head_dim, int count) {
  using Copy = CopyShape<S>;
  constexpr uint32_t kGroups = 32 / Copy::kLanes;
  const uint32_t group = threadIdx.x % 32 / Copy::kLanes, lane = threadIdx.x % Copy::kLanes;
#pragma unroll 4
  for (int i = 0; i < S::kWarpRows; i += kGroups) {
    const int row = static_cast<int>(group) + i;
#pragma unroll
    for (uint32_t turn = 0; turn < Copy::kTurns; ++turn) {
      const int chunk = static_cast<int>(lane + turn * Copy::kLanes);
      const bool is_valid = row < count && chunk * 8 < head_dim;
      const T* source = is_valid ? from + row * stride + chunk * 8 : from;
      ptx::cp_async_16(queries + S::Row::offset(row, chunk), source, is_valid);
    }
  }
}

}  // namespace minference::cuda::sm80
