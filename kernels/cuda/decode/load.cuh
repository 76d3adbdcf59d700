// From the cache and the queries to shared memory.
#pragma once

#include "common/launch.cuh"
#include "ptx/cp_async.cuh"
#include "tile.cuh"
#include "work.h"

namespace minference::cuda::decode_kernels {

// Where the 16-byte piece `piece` of a contiguous stretch of rows lies in a tile.
template <typename Tile, int kHeadDim>
__device__ inline int piece_offset(int piece) {
  constexpr int kPieces = kHeadDim / 8;
  return piece / kPieces * Tile::kStride + piece % kPieces * 8;
}

// Copies tiles of one KV head; rows from `end` on become zeros, whatever the cache holds there.
template <typename T, typename Tile, int kHeadDim>
struct TileLoader {
  const T* keys;  // of position 0
  const T* values;
  int32_t end;
  T* shared;

  // Keys first … first + kKeys - 1, first < end: one stretch of the cache. The caller commits.
  __device__ void load(int32_t first, int stage) const {
    const int thread = static_cast<int>(threadIdx.x);
    const int valid = min(end - first, int32_t{Tile::kKeys}) * (kHeadDim / 8);
    const T* from_keys = keys + int64_t{first} * kHeadDim + thread * 8;
    const T* from_values = values + int64_t{first} * kHeadDim + thread * 8;
    T* to_keys = shared + Tile::keys_at(stage);
    T* to_values = shared + Tile::values_at(stage);
#pragma unroll
    for (int i = 0; i < kRounds; ++i) {
      const int at = place(thread, i);
      ptx::cp_async_16(to_keys + at, from_keys + i * Tile::kThreads * 8, thread + i * Tile::kThreads < valid);
    }
#pragma unroll
    for (int i = 0; i < kRounds; ++i) {
      const int at = place(thread, i);
      ptx::cp_async_16(to_values + at, from_values + i * Tile::kThreads * 8, thread + i * Tile::kThreads < valid);
    }
  }

 private:
  static constexpr int kRounds = Tile::kKeys * (kHeadDim / 8) / Tile::kThreads;

  // Mostly a round is a number of whole rows, and the compiler then knows the distance.
  __device__ static int place(int thread, int round) {
    if constexpr (Tile::kThreads % (kHeadDim / 8) == 0) {
      return piece_offset<Tile, kHeadDim>(thread) + round * (Tile::kThreads / (kHeadDim / 8)) * Tile::kStride;
    } else {
      return piece_offset<Tile, kHeadDim>(thread + round * Tile::kThreads);
    }
  }
};

// All rows of the tile; those beyond the call's and padding become zeros. The caller synchronises.
template <typename T, typename Tile, int kHeadDim>
__device__ inline void load_queries(const DecodeWork& work, const DecodeEntry& entry, int batch, int kv_head, T* to) {
  const T* queries = static_cast<const T*>(work.q) + batch * work.q_stride_batch;
  for (int piece = threadIdx.x; piece < Tile::kRows * (kHeadDim / 8); piece += Tile::kThreads) {
    const int row = piece / (kHeadDim / 8), position = row / work.group;
    const int head = kv_head * work.group + row % work.group;
    uint4 value{0, 0, 0, 0};
    if (position < entry.rows) {
      value = *reinterpret_cast<const uint4*>(queries + position * work.q_stride_seq + head * work.q_stride_head +
                                              piece % (kHeadDim / 8) * 8);
    }
    *reinterpret_cast<uint4*>(to + piece_offset<Tile, kHeadDim>(piece)) = value;
  }
}

}  // namespace minference::cuda::decode_kernels
