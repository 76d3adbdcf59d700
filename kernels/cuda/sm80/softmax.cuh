// Scores to probabilities, with the running maximum and sum of each row. A thread holds 2 rows of each row tile: g and
// g + 8; the four lanes of a row share its maximum, each keeps a sum of its own columns.
#pragma once

#include "call.h"
#include "products.cuh"
#include "ptx/math.cuh"

namespace minference::cuda::sm80 {

constexpr float kLog2E = 1.4426950408889634f;
constexpr float kLn2 = 0.6931471805599453f;

template <typename S>
struct RowSums {
  float max[S::kRowTiles][2];  // about the greatest score, before scale_log2; -inf before the first key
  float sum[S::kRowTiles][2];
};

template <typename S>
__device__ inline void clear(RowSums<S>& rows, Output<S>& output) {
#pragma unroll
  for (int i = 0; i < S::kRowTiles; ++i) {
    rows.max[i][0] = rows.max[i][1] = -INFINITY;
    rows.sum[i][0] = rows.sum[i][1] = 0;
#pragma unroll
    for (int n = 0; n < S::kHeadDim / 8; ++n) {
#pragma unroll
      for (float& value : output[i][n]) value = 0;
    }
  }
}

// Softcap, or a scale that the maximum cannot be taken before (not positive).
template <typename S>
__device__ inline void shape_scores(Scores<S>& scores, float inner, float cap) {
#pragma unroll
  for (int i = 0; i < S::kRowTiles; ++i) {
#pragma unroll
    for (int n = 0; n < S::kKeyTiles; ++n) {
#pragma unroll
      for (float& score : scores[i][n]) {
        score *= inner;
        // cap * tanh(score)
        if (cap != 0) score = cap - __fdividef(2 * cap, ptx::exp2_fast(score * (2 * kLog2E)) + 1);
      }
    }
  }
}

// `first`: position of the warp's first row.
template <typename S>
__device__ inline void mask_scores(Scores<S>& scores, const int32_t* keys, int32_t first, int32_t window) {
  const int t = static_cast<int>(threadIdx.x % 4);
  const int32_t row = first + static_cast<int>(threadIdx.x % 32 / 4);
#pragma unroll
  for (int n = 0; n < S::kKeyTiles; ++n) {
#pragma unroll
    for (int c = 0; c < 2; ++c) {
      const int32_t key = keys[n * 8 + 2 * t + c];
#pragma unroll
      for (int i = 0; i < S::kRowTiles; ++i) {
#pragma unroll
        for (int r = 0; r < 2; ++r) {
          // Keys after the row are far away as unsigned numbers.
          const auto distance = static_cast<uint32_t>(row + i * 16 + r * 8 - key);
          if (distance >= static_cast<uint32_t>(window)) scores[i][n][2 * r + c] = -INFINITY;
        }
      }
    }
  }
}

// Weights may be as large as 2^this before a maximum is taken anew: it rarely happens after a row's first keys.
constexpr float kSlack = 8;

// Takes the tile's scores into the sums, turns them into weights and rescales the output to new maxima.
template <typename S, typename T>
__device__ inline void add_scores(Scores<S>& scores, float scale_log2, RowSums<S>& rows, Output<S>& output,
                                  Weights<S>& weights) {
  float correction[S::kRowTiles][2];
  bool any_grows = false;
#pragma unroll
  for (int i = 0; i < S::kRowTiles; ++i) {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      float most = -INFINITY;
#pragma unroll
      for (int n = 0; n < S::kKeyTiles; ++n) most = fmaxf(most, fmaxf(scores[i][n][2 * r], scores[i][n][2 * r + 1]));
      most = fmaxf(most, __shfl_xor_sync(0xffffffffu, most, 1));
      most = fmaxf(most, __shfl_xor_sync(0xffffffffu, most, 2));
      const float before = rows.max[i][r];
      const bool grows = (most - before) * scale_log2 > kSlack;  // not if both are infinite
      if (grows) rows.max[i][r] = most;
      any_grows = any_grows || grows;
      // A row without keys so far: all its weights are 2^-inf.
      const float shift = rows.max[i][r] == -INFINITY ? 0 : rows.max[i][r] * scale_log2;
      correction[i][r] = ptx::exp2_fast(before * scale_log2 - shift);
      float sum = 0;
#pragma unroll
      for (int n = 0; n < S::kKeyTiles; ++n) {
#pragma unroll
        for (int c = 0; c < 2; ++c) {
          float& score = scores[i][n][2 * r + c];
          score = ptx::exp2_fast(score * scale_log2 - shift);
          sum += score;
        }
      }
      rows.sum[i][r] = rows.sum[i][r] * correction[i][r] + sum;
    }
#pragma unroll
    for (int k = 0; k < S::kKeys / 16; ++k) {
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        const float* pair = &scores[i][2 * k + j / 2][j % 2 * 2];
        weights[i][k][j] = ptx::pack2<T>(pair[0], pair[1]);
      }
    }
  }
  if (!__any_sync(0xffffffffu, any_grows)) return;
#pragma unroll
  for (int i = 0; i < S::kRowTiles; ++i) {
#pragma unroll
    for (int n = 0; n < S::kHeadDim / 8; ++n) {
#pragma unroll
      for (int j = 0; j < 4; ++j) output[i][n][j] *= correction[i][j / 2];
    }
  }
}

}  // namespace minference::cuda::sm80
