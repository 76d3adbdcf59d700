// The two matrix products of a tile, per warp: kWarpRows query rows against kKeys keys.
#pragma once

#include "../attention/anomalies.cuh"
#include "ptx/ldmatrix.cuh"
#include "ptx/mma_sync.cuh"
#include "shape.cuh"

namespace minference::cuda::sm80 {

// Scores or output, as mma leaves them: [row tile][column tile] x (row g: 2 columns, row g + 8: 2 columns).
template <typename S>
using Scores = float[S::kRowTiles][S::kKeyTiles][4];
template <typename S>
using Output = float[S::kRowTiles][S::kHeadDim / 8][4];
// Probabilities as the left operand of the second product, per 16 keys.
template <typename S>
using Weights = uint32_t[S::kRowTiles][S::kKeys / 16][4];

// Offsets of this lane's row for ldmatrix: of 16 x 16 elements as a left operand (or, transposed, a right one) …
template <typename S>
__device__ inline uint32_t left_offset() {
  const uint32_t lane = threadIdx.x % 32;
  return S::Row::offset(lane % 16, lane / 16);
}
// … and as a right operand.
template <typename S>
__device__ inline uint32_t right_offset() {
  const uint32_t lane = threadIdx.x % 32;
  return S::Row::offset(lane % 8 + lane / 16 * 8, lane / 8 % 2);
}

// scores = queries · keysᵀ. `queries`: address of the warp's rows + left_offset; `keys`: of the tile + right_offset.
template <typename S, typename T>
__device__ inline void multiply_keys(Scores<S>& scores, uint32_t queries, uint32_t keys) {
  using Row = typename S::Row;
#pragma unroll
  for (int i = 0; i < S::kRowTiles; ++i) {
#pragma unroll
    for (int n = 0; n < S::kKeyTiles; ++n) {
#pragma unroll
      for (float& score : scores[i][n]) score = 0;
    }
  }
#pragma unroll
  for (int k = 0; k < S::kHeadDim / 16; ++k) {
    uint32_t left[S::kRowTiles][4];
#pragma unroll
    for (int i = 0; i < S::kRowTiles; ++i) ptx::ldmatrix_x4(left[i], Row::advance(queries, k) + i * 16 * Row::kPitch);
#pragma unroll
    for (int n = 0; n < S::kKeys / 16; ++n) {
      uint32_t right[4];
      ptx::ldmatrix_x4(right, Row::advance(keys, k) + n * 16 * Row::kPitch);
      const uint32_t low[2] = {right[0], right[1]}, high[2] = {right[2], right[3]};
#pragma unroll
      for (int i = 0; i < S::kRowTiles; ++i) {
        ptx::mma_m16n8k16<T>(scores[i][2 * n], left[i], low);
        ptx::mma_m16n8k16<T>(scores[i][2 * n + 1], left[i], high);
      }
    }
  }
}

// output += weights · values. `values`: address of the tile + left_offset.
template <typename S, typename T>
__device__ inline void multiply_values(Output<S>& output, const Weights<S>& weights, uint32_t values) {
  using Row = typename S::Row;
#pragma unroll
  for (int k = 0; k < S::kKeys / 16; ++k) {
#pragma unroll
    for (int n = 0; n < S::kHeadDim / 16; ++n) {
      uint32_t right[4];
      ptx::ldmatrix_x4_transposed(right, Row::advance(values, n) + k * 16 * Row::kPitch);
      const uint32_t low[2] = {right[0], right[1]}, high[2] = {right[2], right[3]};
#pragma unroll
      for (int i = 0; i < S::kRowTiles; ++i) {
        ptx::mma_m16n8k16<T>(output[i][2 * n], weights[i][k], low);
        ptx::mma_m16n8k16<T>(output[i][2 * n + 1], weights[i][k], high);
      }
    }
  }
}

// The same, where the values of a key reach only the rows of which `probabilities` give it weight; `weights` are these,
// rounded.
template <typename S, typename T>
__device__ inline void multiply_values_carefully(Output<S>& output, const Scores<S>& probabilities,
                                                 const Weights<S>& weights, uint32_t values) {
  using Row = typename S::Row;
  Weights<S> presence;
#pragma unroll
  for (int i = 0; i < S::kRowTiles; ++i) {
#pragma unroll
    for (int k = 0; k < S::kKeys / 16; ++k) {
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        const float* pair = &probabilities[i][2 * k + j / 2][j % 2 * 2];
        presence[i][k][j] = pack_presence<T>(pair[0], pair[1]);
      }
    }
  }
#pragma unroll 1
  for (int k = 0; k < S::kKeys / 16; ++k) {
#pragma unroll
    for (int n = 0; n < S::kHeadDim / 16; ++n) {
      uint32_t right[4];
      ptx::ldmatrix_x4_transposed(right, Row::advance(values, n) + k * 16 * Row::kPitch);
      const uint32_t low[2] = {right[0], right[1]}, high[2] = {right[2], right[3]};
#pragma unroll
      for (int i = 0; i < S::kRowTiles; ++i) {
        multiply_carefully<T>(output[i][2 * n], weights[i][k], presence[i][k], low);
        multiply_carefully<T>(output[i][2 * n + 1], weights[i][k], presence[i][k], high);
      }
    }
  }
}

}  // namespace minference::cuda::sm80
