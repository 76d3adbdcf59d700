// The warps of a block that saw different keys of the same rows: their sums become one part in global memory.
#pragma once

#include "common/launch.cuh"
#include "ptx/math.cuh"
#include "tile.cuh"

namespace minference::cuda::decode_kernels {

// Called by all threads, when shared memory is free. `row_warp`, `key_warp`: the warp's group of 16 rows and its number
// among those that have the same rows. `stats` and `out` take the first `rows` rows.
template <typename Tile, int kHeadDim, typename WarpTile>
__device__ inline void merge_warps(const WarpTile& mine, int row_warp, int key_warp, unsigned char* shared, int rows,
                                   float2* stats, float* out) {
  auto* warp_stats = reinterpret_cast<float2*>(shared);               // [kKeyWarps][kRows]
  auto* sums = reinterpret_cast<float*>(shared + Tile::kStatsBytes);  // [kRows][kStride]
  const int thread = static_cast<int>(threadIdx.x), lane = thread % 32;
  const int first_row = row_warp * 16 + lane / 4;
  if (lane % 4 == 0) {
    for (int i = 0; i < 2; ++i) {
      warp_stats[key_warp * Tile::kRows + first_row + 8 * i] = make_float2(mine.max[i], mine.sum[i]);
    }
  }
  __syncthreads();

  const auto highest = [&](int row) {
    float max = warp_stats[row].x;
    for (int w = 1; w < Tile::kKeyWarps; ++w) max = fmaxf(max, warp_stats[w * Tile::kRows + row].x);
    return max;
  };
  const auto factor = [](float from, float to) { return from == -INFINITY ? 0.f : ptx::exp2_fast(from - to); };
  const float factors[2] = {factor(mine.max[0], highest(first_row)), factor(mine.max[1], highest(first_row + 8))};
  // In turn, so that the order of the sums is always the same.
  for (int turn = 0; turn < Tile::kKeyWarps; ++turn) {
    if (turn == key_warp) {
#pragma unroll
      for (int n = 0; n < kHeadDim / 8; ++n) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          auto* at = reinterpret_cast<float2*>(sums + (first_row + 8 * i) * Tile::kStride + 8 * n + lane % 4 * 2);
          const float2 before = turn == 0 ? make_float2(0, 0) : *at;
          *at = make_float2(before.x + factors[i] * mine.out[n][2 * i], before.y + factors[i] * mine.out[n][2 * i + 1]);
        }
      }
    }
    __syncthreads();
  }

  for (int row = thread; row < rows; row += Tile::kThreads) {
    const float max = highest(row);
    float sum = 0;
    for (int w = 0; w < Tile::kKeyWarps; ++w) {
      const float2 one = warp_stats[w * Tile::kRows + row];
      sum += factor(one.x, max) * one.y;
    }
    stats[row] = make_float2(max, sum);
  }
  for (int i = thread; i < rows * (kHeadDim / 4); i += Tile::kThreads) {
    const int row = i / (kHeadDim / 4), column = i % (kHeadDim / 4) * 4;
    reinterpret_cast<float4*>(out)[i] = *reinterpret_cast<const float4*>(sums + row * Tile::kStride + column);
  }
}

}  // namespace minference::cuda::decode_kernels
