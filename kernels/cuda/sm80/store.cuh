// Output and LSE of a warp's rows.
#pragma once

#include "../attention/spoiled.cuh"
#include "load.cuh"
#include "softmax.cuh"

namespace minference::cuda::sm80 {

// 16-byte stores of `count` rows; those from `valid` on are zeros.
template <typename S, typename T>
__device__ inline void write_rows(const unsigned char* staged, T* to, int64_t stride, int head_dim, int valid,
                                  int count) {
  using Copy = CopyShape<S>;
  constexpr uint32_t kGroups = 32 / Copy::kLanes;
  const uint32_t group = threadIdx.x % 32 / Copy::kLanes, lane = threadIdx.x % Copy::kLanes;
#pragma unroll 4
  for (int i = 0; i < S::kWarpRows; i += kGroups) {
    const int row = static_cast<int>(group) + i;
#pragma unroll
    for (uint32_t turn = 0; turn < Copy::kTurns; ++turn) {
      const int chunk = static_cast<int>(lane + turn * Copy::kLanes);
      if (row >= count || chunk * 8 >= head_dim) continue;
      uint4 bits = make_uint4(0, 0, 0, 0);
      if (row < valid) bits = *reinterpret_cast<const uint4*>(staged + S::Row::offset(row, chunk));
      *reinterpret_cast<uint4*>(to + row * stride + chunk * 8) = bits;
    }
  }
}

// Divides by the sums, `sink` (log 2; -inf: none) among them, and stages the rows. Their LSE goes to lse[row] for the
// `valid` first ones. Returns whether one of these has elements that are not finite though its scores are numbers.
template <typename S, typename T>
__device__ inline bool finish_rows(Output<S>& output, RowSums<S>& rows, float scale_log2, float sink,
                                   unsigned char* staged, float* lse, int valid) {
  const int g = static_cast<int>(threadIdx.x % 32 / 4), t = static_cast<int>(threadIdx.x % 4);
  bool is_spoiled = false;
#pragma unroll
  for (int i = 0; i < S::kRowTiles; ++i) {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      float sum = rows.sum[i][r];
      sum += __shfl_xor_sync(0xffffffffu, sum, 1);
      sum += __shfl_xor_sync(0xffffffffu, sum, 2);
      const int row = i * 16 + r * 8 + g;
      const float max = rows.max[i][r] * scale_log2;
      float factor = 0, log = -INFINITY;
      if (!(sum <= 0)) {  // a row with a score that is no number has such a sum, and goes this way
        log = (max + log2f(sum)) * kLn2;
        const float top = fmaxf(max, sink), weight = exp2f(max - top);
        factor = weight / (sum * weight + exp2f(sink - top));
      }
      if (lse != nullptr && t == 0 && row < valid) lse[row] = log;
      AnomalySum anomalies;
#pragma unroll
      for (int n = 0; n < S::kHeadDim / 8; ++n) {
        const float* pair = &output[i][n][2 * r];
        anomalies.add(pair[0]);
        anomalies.add(pair[1]);
        const uint32_t bits = ptx::pack2<T>(pair[0] * factor, pair[1] * factor);
        *reinterpret_cast<uint32_t*>(staged + S::Row::offset(row, n) + t * 4) = bits;
      }
      is_spoiled = is_spoiled || (row < valid && sum == sum && anomalies.found());
    }
  }
  return is_spoiled;
}

}  // namespace minference::cuda::sm80
