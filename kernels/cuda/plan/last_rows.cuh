// The last rows of one or two heads of a cache head against a segment of its keys: tiles of keys arrive in shared
// memory a few ahead, and four warps per head multiply them with its queries, which stay in registers.
#pragma once

#include "../common/dtype.cuh"
#include "common/launch.cuh"
#include "jobs.h"
#include "ptx/cp_async.cuh"
#include "ptx/ldmatrix.cuh"
#include "ptx/mma_sync.cuh"

namespace minference::cuda {

constexpr int kTile = 64;          // keys at a time
constexpr int kHeadThreads = 128;  // 4 warps
constexpr float kLog2e = 1.4426950408889634f;

// How the four warps of a head share its rows x kTile keys. Square pieces need the fewest reads of shared memory, but
// their queries the most registers.
template <int D>
struct WarpGrid {
  static constexpr int kRowWarps = D <= 128 ? 2 : 4, kKeyWarps = 4 / kRowWarps;
  static constexpr int kRows = kLastQ / kRowWarps, kKeys = kTile / kKeyWarps;  // of a warp
  static constexpr int kRowTiles = kRows / 16, kKeyTiles = kKeys / 8;          // of an mma

  __device__ static int warp() { return static_cast<int>(threadIdx.x % kHeadThreads / 32); }
  __device__ static int first_row(int warp) { return warp / kKeyWarps * kRows; }
  __device__ static int first_key(int warp) { return warp % kKeyWarps * kKeys; }
  // Row and key of this thread's accumulator [m][n][2 * half + i].
  __device__ static int row(int m, int half) {
    return first_row(warp()) + m * 16 + half * 8 + static_cast<int>(threadIdx.x % 32 / 4);
  }
  __device__ static int key(int n, int i) {
    return first_key(warp()) + n * 8 + 2 * static_cast<int>(threadIdx.x % 4) + i;
  }
};

template <int D>
using Accumulators = float[WarpGrid<D>::kRowTiles][WarpGrid<D>::kKeyTiles][4];

// Logits times log2 e per score: not negative, so that the largest score is also the largest logit, and not 0, which
// would make NaNs of -inf.
__device__ inline float score_unit(const PlanCall& call) {
  return fmaxf((call.softcap > 0 ? call.softcap : fabsf(call.sm_scale)) * kLog2e, 1e-30f);
}

// A block's share of the keys, in tiles.
struct Segment {
  int32_t begin, end;
  __device__ Segment(const EstimateSlot& slot, int32_t tiles) {
    const int32_t total = (slot.past + slot.rows + kTile - 1) / kTile;
    begin = static_cast<int32_t>(blockIdx.y) * tiles < total ? blockIdx.y * tiles : total;
    end = begin + tiles < total ? begin + tiles : total;
  }
};

// The block's first slot tells the keys, the thread's own slot the rows; a slot without rows has none.
template <typename T, int D, int kHeads>
struct LastRows {
  using Grid = WarpGrid<D>;
  static constexpr int kThreads = kHeads * kHeadThreads;
  static constexpr int kStages = kHeads + 1;  // as many blocks per SM hide the rest
  static constexpr int kPitch = D + 8;        // elements per key: ldmatrix finds 8 neighbours in different banks
  static constexpr int kStageElements = kTile * kPitch;
  static constexpr size_t kSharedBytes = size_t{kStages} * kStageElements * sizeof(T);
  static_assert(kLastQ == kTile);  // queries pass through a stage each

  __device__ LastRows(const PlanCall& call, const EstimateSlot& first, const EstimateSlot& own, Segment segment,
                      T* shared)
      : call_(call), shared_(shared), segment_(segment) {
    total_ = first.past + first.rows;
    rows_ = own.rows < kLastQ ? own.rows : kLastQ;
    first_position_ = total_ - rows_;
    const int batch = first.head / call.num_heads, head = first.head % call.num_heads;
    const int kv_head = head / (call.num_heads / call.num_kv_heads);
    keys_ = static_cast<const T*>(call.k) + (int64_t{batch} * call.num_kv_heads + kv_head) * call.capacity * D;
    // The first tile is on its way before the stages that the queries pass through are free.
    stage_queries(own);
    ptx::cp_async_commit();
    load(segment.begin, kHeads);
    ptx::cp_async_wait<1>();
    __syncthreads();
    read_queries();
    __syncthreads();
#pragma unroll
    for (int i = 1; i < kHeads; ++i) load(segment.begin + i, i - 1);
  }

  // Calls use(tile, keys in shared memory) for the segment's tiles in turn, one barrier of the block before each.
  template <typename Use>
  __device__ void for_each_tile(const Use& use) {
    int stage = kHeads, free = kHeads - 1;
    for (int32_t tile = segment_.begin; tile < segment_.end; ++tile) {
      ptx::cp_async_wait<kStages - 2>();
      __syncthreads();  // everyone's part of this tile is there, and everyone is through with the tile before
      load(tile + kStages - 1, free);
      use(tile, shared_ + stage * kStageElements);
      free = stage;
      stage = stage + 1 == kStages ? 0 : stage + 1;
    }
    ptx::cp_async_wait<0>();
  }

  // Times score_unit, the logits times log2 e; -inf where a row does not see the key.
  __device__ void scores(int32_t tile, const T* keys, Accumulators<D>& s) const {
    multiply(keys, s);
    if (call_.softcap > 0) {
      const float scale = call_.sm_scale / call_.softcap;
      map(s, [=](float x) { return tanhf(x * scale); });
    } else if (call_.sm_scale < 0) {
      map(s, [](float x) { return -x; });
    }
    const int32_t first_key = tile * kTile, last_key = first_key + kTile - 1;
    const bool all_seen =
        last_key <= first_position_ && rows_ == kLastQ && (call_.window < 0 || first_key > total_ - 1 - call_.window);
    if (!all_seen) hide(first_key, s);
  }

  __device__ int32_t total() const { return total_; }
  __device__ int32_t first_position() const { return first_position_; }

 private:
  __device__ void stage_queries(const EstimateSlot& own) const {
    constexpr int kChunk = 16 / sizeof(T), kChunks = D / kChunk;
    const int batch = own.head / call_.num_heads, head = own.head % call_.num_heads;
    const T* q = static_cast<const T*>(call_.q) + batch * call_.q_stride_batch + head * call_.q_stride_head +
                 int64_t{own.rows - rows_} * call_.q_stride_seq;
    T* to = shared_ + threadIdx.x / kHeadThreads * kStageElements;
    // Rows may start at odd elements of a packed tensor.
    const bool aligned = reinterpret_cast<uintptr_t>(q) % 16 == 0 && call_.q_stride_seq % kChunk == 0;
    for (int i = threadIdx.x % kHeadThreads; i < kLastQ * kChunks; i += kHeadThreads) {
      const int row = i / kChunks, e = i % kChunks * kChunk;
      const bool valid = row < rows_;
      const T* from = q + (valid ? row * call_.q_stride_seq + e : 0);
      if (aligned) {
        ptx::cp_async_16(to + row * kPitch + e, from, valid);
      } else {
#pragma unroll
        for (int j = 0; j < kChunk; ++j) to[row * kPitch + e + j] = valid ? from[j] : from_float<T>(0.0f);
      }
    }
  }

  __device__ void read_queries() {
    const int lane = threadIdx.x % 32;
    const T* from = shared_ + threadIdx.x / kHeadThreads * kStageElements +
                    (Grid::first_row(Grid::warp()) + lane % 16) * kPitch + lane / 16 * 8;
#pragma unroll
    for (int m = 0; m < Grid::kRowTiles; ++m) {
#pragma unroll
      for (int step = 0; step < D / 16; ++step) {
        ptx::ldmatrix_x4(q_[m][step], ptx::shared_address(from + m * 16 * kPitch + step * 16));
      }
    }
  }

  // One group of copies, empty behind the segment.
  __device__ void load(int32_t tile, int stage) const {
    constexpr int kChunk = 16 / sizeof(T), kChunks = D / kChunk, kRowsAtOnce = kThreads / kChunks;
    const int row = threadIdx.x / kChunks, e = threadIdx.x % kChunks * kChunk;
    if (tile < segment_.end && row < kRowsAtOnce) {
      const T* from = keys_ + (int64_t{tile} * kTile + row) * D + e;
      T* to = shared_ + stage * kStageElements + row * kPitch + e;
      const int32_t left = total_ - tile * kTile;
      const auto copy = [&](bool all) {
#pragma unroll
        for (int r = 0; r < kTile; r += kRowsAtOnce) {
          if (r + kRowsAtOnce > kTile && r + row >= kTile) break;
          const bool valid = all || r + row < left;
          ptx::cp_async_16(to + r * kPitch, valid ? from + r * D : keys_, valid);
        }
      };
      if (left >= kTile) {
        copy(true);
      } else {
        copy(false);
      }
    }
    ptx::cp_async_commit();
  }

  __device__ void multiply(const T* keys, Accumulators<D>& s) const {
    map(s, [](float) { return 0.0f; });
    const int lane = threadIdx.x % 32;
    // One ldmatrix: 16 keys x 16 elements.
    const uint32_t from = ptx::shared_address(
        keys + (Grid::first_key(Grid::warp()) + lane / 16 * 8 + lane % 8) * kPitch + lane / 8 % 2 * 8);
#pragma unroll
    for (int step = 0; step < D / 16; ++step) {
#pragma unroll
      for (int n = 0; n < Grid::kKeyTiles; n += 2) {
        uint32_t b[4];
        ptx::ldmatrix_x4(b, from + (n * 8 * kPitch + step * 16) * static_cast<uint32_t>(sizeof(T)));
        const uint32_t left[2] = {b[0], b[1]}, right[2] = {b[2], b[3]};
#pragma unroll
        for (int m = 0; m < Grid::kRowTiles; ++m) {
          ptx::mma_m16n8k16<T>(s[m][n], q_[m][step], left);
          ptx::mma_m16n8k16<T>(s[m][n + 1], q_[m][step], right);
        }
      }
    }
  }

  __device__ void hide(int32_t first_key, Accumulators<D>& s) const {
#pragma unroll
    for (int m = 0; m < Grid::kRowTiles; ++m) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int row = Grid::row(m, half);
        const int32_t position = first_position_ + row;
#pragma unroll
        for (int n = 0; n < Grid::kKeyTiles; ++n) {
#pragma unroll
          for (int i = 0; i < 2; ++i) {
            const int32_t key = first_key + Grid::key(n, i);
            const bool seen = row < rows_ && key <= position && (call_.window < 0 || key > position - call_.window);
            if (!seen) s[m][n][2 * half + i] = -INFINITY;
          }
        }
      }
    }
  }

  template <typename F>
  __device__ static void map(Accumulators<D>& s, const F& f) {
#pragma unroll
    for (int m = 0; m < Grid::kRowTiles; ++m) {
#pragma unroll
      for (int n = 0; n < Grid::kKeyTiles; ++n) {
#pragma unroll
        for (int i = 0; i < 4; ++i) s[m][n][i] = f(s[m][n][i]);
      }
    }
  }

  const PlanCall& call_;
  T* shared_;
  const T* keys_;
  Segment segment_;
  int32_t rows_, total_, first_position_;
  uint32_t q_[Grid::kRowTiles][D / 16][4];
};

}  // namespace minference::cuda
