// What one warp does with its keys of a tile: scores of 16 query rows, online softmax, weighted sum of the values.
#pragma once

#include "../attention/anomalies.cuh"
#include "../attention/spoiled.cuh"
#include "../common/dtype.cuh"
#include "ptx/ldmatrix.cuh"
#include "ptx/math.cuh"
#include "ptx/mma_sync.cuh"
#include "tile.cuh"

namespace minference::cuda::decode_kernels {

// The lane's part of a 16 x 16 block of queries or, transposed, of values: ldmatrix wants the address of row lane % 16,
// column 0 or 8.
template <int kStride>
__device__ inline int row_major_offset(int lane) {
  return (lane % 16) * kStride + lane / 16 * 8;
}
// … and of keys, whose 8-row halves are the operand's columns.
template <int kStride>
__device__ inline int key_offset(int lane) {
  return (lane / 16 * 8 + lane % 8) * kStride + lane / 8 % 2 * 8;
}

// Keys that a row sees: low … high.
struct RowLimits {
  int32_t low, high;
};

struct ScoreScale {
  float scale, cap;

  template <int kCount>
  __device__ void apply(float (&products)[kCount][4]) const {
#pragma unroll
    for (int n = 0; n < kCount; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) products[n][i] *= scale;
    }
    if (cap == 0) return;
      // cap * tanh(x) = cap - 2 cap / (exp(2x) + 1), off by a few units of 1e-7 cap
#pragma unroll
    for (int n = 0; n < kCount; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) products[n][i] = cap - __fdividef(2 * cap, __expf(2 * products[n][i]) + 1);
    }
  }
};

// Rows g and g + 8 (g = lane / 4) of a warp's 16.
template <typename T, typename Tile, int kHeadDim>
class WarpTile {
 public:
  __device__ WarpTile(const T* queries, int lane)
      : lane_(lane), queries_(ptx::shared_address(queries + row_major_offset<Tile::kStride>(lane))) {
    if constexpr (Tile::kQueriesInRegisters) {
#pragma unroll
      for (int d = 0; d < kSteps; ++d) ptx::ldmatrix_x4(query_[d], queries_ + 32 * d);
    }
    clear();
  }

  // Forgets all tiles.
  __device__ void clear() {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      max[i] = -INFINITY;
      sum[i] = 0;
    }
#pragma unroll
    for (int n = 0; n < kHeadDim / 8; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) out[n][i] = 0;
    }
  }

  // `keys`, `values`: of this warp, kWarpKeys rows from position `first` on. With kMasked, `limits` of both rows apply;
  // with kCareful, values reach only rows that give their keys weight.
  template <bool kMasked, bool kCareful>
  __device__ void add(const T* keys, const T* values, const ScoreScale& scale, int32_t first,
                      const RowLimits (&limits)[2]) {
    float scores[kColumns][4];
    multiply_queries(keys, scores);
    scale.apply(scores);
    if constexpr (kMasked) {
#pragma unroll
      for (int n = 0; n < kColumns; ++n) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const int32_t key = first + 8 * n + lane_ % 4 * 2 + i % 2;
          const RowLimits& row = limits[i / 2];
          if (key < row.low || key > row.high) scores[n][i] = -INFINITY;
        }
      }
    }
    exponentiate(scores);
    if constexpr (kCareful) {
      add_values_carefully(values, scores);
    } else {
      add_values(values, scores);
    }
  }

  // After the last tile: sums of whole rows.
  __device__ void finish() {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      sum[i] += __shfl_xor_sync(0xffffffffu, sum[i], 1);
      sum[i] += __shfl_xor_sync(0xffffffffu, sum[i], 2);
    }
  }

  // Then: whether a row has sums of values that are not finite though its scores are numbers.
  __device__ bool is_spoiled() const {
    bool found = false;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      AnomalySum anomalies;
#pragma unroll
      for (int n = 0; n < kHeadDim / 8; ++n) {
        anomalies.add(out[n][2 * i]);
        anomalies.add(out[n][2 * i + 1]);
      }
      found = found || (sum[i] == sum[i] && anomalies.found());
    }
    return found;
  }

  float max[2];
  float sum[2];
  float out[kHeadDim / 8][4];  // columns 8n + 2 * (lane % 4) and the next, of row g, then of row g + 8

 private:
  static constexpr int kSteps = kHeadDim / 16;
  static constexpr int kColumns = Tile::kWarpKeys / 8;

  __device__ void multiply_queries(const T* keys, float (&scores)[kColumns][4]) const {
#pragma unroll
    for (int n = 0; n < kColumns; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) scores[n][i] = 0;
    }
    const uint32_t mine = ptx::shared_address(keys + key_offset<Tile::kStride>(lane_));
#pragma unroll
    for (int d = 0; d < kSteps; ++d) {
      uint32_t query[4];
      if constexpr (Tile::kQueriesInRegisters) {
#pragma unroll
        for (int i = 0; i < 4; ++i) query[i] = query_[d][i];
      } else {
        ptx::ldmatrix_x4(query, queries_ + 32 * d);
      }
#pragma unroll
      for (int n = 0; n < kColumns; n += 2) {
        uint32_t key[4];
        ptx::ldmatrix_x4(key, mine + 2 * (8 * n * Tile::kStride + 16 * d));
        ptx::mma_m16n8k16<T>(scores[n], query, {key[0], key[1]});
        ptx::mma_m16n8k16<T>(scores[n + 1], query, {key[2], key[3]});
      }
    }
  }

  // Scores become exp2(score - max); what was summed before is scaled to the new maximum.
  __device__ void exponentiate(float (&scores)[kColumns][4]) {
    float highest[2] = {max[0], max[1]};
#pragma unroll
    for (int n = 0; n < kColumns; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) highest[i / 2] = fmaxf(highest[i / 2], scores[n][i]);
    }
    float factor[2], base[2];
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      highest[i] = fmaxf(highest[i], __shfl_xor_sync(0xffffffffu, highest[i], 1));
      highest[i] = fmaxf(highest[i], __shfl_xor_sync(0xffffffffu, highest[i], 2));
      base[i] = highest[i] == -INFINITY ? 0 : highest[i];  // no key yet: exp2(-inf - 0) = 0
      factor[i] = ptx::exp2_fast(max[i] - base[i]);
      sum[i] *= factor[i];
    }
    // Maxima rise rarely after the first tiles.
    if (__any_sync(0xffffffffu, highest[0] != max[0] || highest[1] != max[1])) {
#pragma unroll
      for (int n = 0; n < kHeadDim / 8; ++n) {
#pragma unroll
        for (int i = 0; i < 4; ++i) out[n][i] *= factor[i / 2];
      }
    }
    max[0] = highest[0];
    max[1] = highest[1];
#pragma unroll
    for (int n = 0; n < kColumns; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        scores[n][i] = ptx::exp2_fast(scores[n][i] - base[i / 2]);
        sum[i / 2] += scores[n][i];
      }
    }
  }

  __device__ void add_values(const T* values, const float (&weights)[kColumns][4]) {
    const uint32_t mine = ptx::shared_address(values + row_major_offset<Tile::kStride>(lane_));
#pragma unroll
    for (int n = 0; n < kColumns; n += 2) {
      uint32_t weight[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        weight[i] = ptx::pack2<T>(weights[n + i / 2][i % 2 * 2], weights[n + i / 2][i % 2 * 2 + 1]);
      }
#pragma unroll
      for (int d = 0; d < kSteps; ++d) {
        uint32_t value[4];
        ptx::ldmatrix_x4_transposed(value, mine + 2 * (8 * n * Tile::kStride + 16 * d));
        ptx::mma_m16n8k16<T>(out[2 * d], weight, {value[0], value[1]});
        ptx::mma_m16n8k16<T>(out[2 * d + 1], weight, {value[2], value[3]});
      }
    }
  }

  __device__ void add_values_carefully(const T* values, const float (&weights)[kColumns][4]) {
    uint32_t packed[kColumns / 2][4], presence[kColumns / 2][4];
#pragma unroll
    for (int n = 0; n < kColumns; n += 2) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const float* pair = &weights[n + i / 2][i % 2 * 2];
        packed[n / 2][i] = ptx::pack2<T>(pair[0], pair[1]);
        presence[n / 2][i] = pack_presence<T>(pair[0], pair[1]);
      }
    }
    const uint32_t mine = ptx::shared_address(values + row_major_offset<Tile::kStride>(lane_));
#pragma unroll 1
    for (int n = 0; n < kColumns / 2; ++n) {
#pragma unroll
      for (int d = 0; d < kSteps; ++d) {
        uint32_t value[4];
        ptx::ldmatrix_x4_transposed(value, mine + 2 * (16 * n * Tile::kStride + 16 * d));
        multiply_carefully<T>(out[2 * d], packed[n], presence[n], {value[0], value[1]});
        multiply_carefully<T>(out[2 * d + 1], packed[n], presence[n], {value[2], value[3]});
      }
    }
  }

  int lane_;
  uint32_t queries_;  // this lane's address
  uint32_t query_[Tile::kQueriesInRegisters ? kSteps : 1][4];
};

}  // namespace minference::cuda::decode_kernels
