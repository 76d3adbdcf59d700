#include <algorithm>

#include "../common/check.h"
#include "../common/dtype.cuh"
#include "../common/launch.cuh"
#include "../ptx/cp_async.cuh"
#include "../ptx/mma_sync.cuh"
#include "estimate.h"

namespace minference::cuda {
namespace {

constexpr int kThreads = 128;   // 4 warps of 16 rows
constexpr int kTile = 64;       // keys at a time
constexpr int kProbPitch = 73;  // floats per row of probabilities: no bank conflicts along diagonals, few in stores
constexpr int64_t kMostSegments = 64;
constexpr int64_t kLeastTiles = 8;  // per segment
constexpr float kLog2e = 1.4426950408889634f;

int64_t segment_tiles(int64_t total) {
  const int64_t tiles = (total + kTile - 1) / kTile;
  return std::max(kLeastTiles, (tiles + kMostSegments - 1) / kMostSegments);
}

// One head's last rows against one segment of its keys. Tiles arrive in shared memory two deep.
template <typename T, int D>
struct Scores {
  static constexpr int kPitch = D + 8;  // elements per key: 16 bytes of padding keep the fragment loads conflict-free
  static constexpr size_t kTileElements = size_t{kTile} * kPitch;
  static constexpr size_t kSharedBytes = 2 * kTileElements * sizeof(T);

  __device__ Scores(const PlanCall& call, const EstimateSlot& slot, T* shared) : call_(call), shared_(shared) {
    rows_ = slot.rows < kLastQ ? slot.rows : kLastQ;
    total_ = slot.past + slot.rows;
    first_position_ = total_ - rows_;
    const int batch = slot.head / call.num_heads, head = slot.head % call.num_heads;
    const int kv_head = head / (call.num_heads / call.num_kv_heads);
    keys_ = static_cast<const T*>(call.k) + (int64_t{batch} * call.num_kv_heads + kv_head) * call.capacity * D;
    const T* q = static_cast<const T*>(call.q) + batch * call.q_stride_batch + head * call.q_stride_head +
                 int64_t{slot.rows - rows_} * call.q_stride_seq;
    const int t = threadIdx.x % 4;
#pragma unroll
    for (int step = 0; step < D / 16; ++step) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int row = row_of(i % 2), e = step * 16 + 2 * t + i / 2 * 8;
        // Rows may start at odd elements of a packed tensor: two loads.
        T pair[2] = {from_float<T>(0.0f), from_float<T>(0.0f)};
        if (row < rows_) {
          pair[0] = q[row * call.q_stride_seq + e];
          pair[1] = q[row * call.q_stride_seq + e + 1];
        }
        q_[step][i] = pack(pair[0], pair[1]);
      }
    }
  }

  // Row of this thread's accumulators 0, 1 (half 0) and 2, 3 (half 1).
  __device__ int row_of(int half) const {
    return static_cast<int>(threadIdx.x / 32) * 16 + half * 8 + static_cast<int>(threadIdx.x % 32) / 4;
  }

  __device__ void load(int64_t tile, int buffer) const {
    constexpr int kChunks = D * static_cast<int>(sizeof(T)) / 16;
    T* to = shared_ + buffer * kTileElements;
    for (int i = threadIdx.x; i < kTile * kChunks; i += kThreads) {
      const int row = i / kChunks, chunk = i - row * kChunks;
      const int64_t key = tile * kTile + row;
      const bool valid = key < total_;
      ptx::cp_async_16(to + row * kPitch + chunk * (16 / sizeof(T)),
                       keys_ + (valid ? key : 0) * D + chunk * (16 / sizeof(T)), valid);
    }
    ptx::cp_async_commit();
  }

  // Logits times log2 e of 16 rows x kTile keys per warp, -inf where a row does not see the key.
  __device__ void compute(int64_t tile, int buffer, float (&s)[kTile / 8][4]) const {
    const T* keys = shared_ + buffer * kTileElements;
    const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
#pragma unroll
    for (int n = 0; n < kTile / 8; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) s[n][i] = 0;
#pragma unroll
      for (int step = 0; step < D / 16; ++step) {
        const T* at = keys + (n * 8 + g) * kPitch + step * 16 + 2 * t;
        const uint32_t b[2] = {*reinterpret_cast<const uint32_t*>(at), *reinterpret_cast<const uint32_t*>(at + 8)};
        ptx::mma_m16n8k16<T>(s[n], q_[step], b);
      }
    }
    const int64_t first_key = tile * kTile;
    const bool all_seen = first_key + kTile <= first_position_ + 1 && rows_ == kLastQ && call_.window < 0;
    const float scale = call_.softcap > 0 ? call_.sm_scale / call_.softcap : call_.sm_scale * kLog2e;
#pragma unroll
    for (int n = 0; n < kTile / 8; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        float x = s[n][i] * scale;
        if (call_.softcap > 0) x = call_.softcap * kLog2e * tanhf(x);
        if (!all_seen) {
          const int row = row_of(i / 2);
          const int64_t key = first_key + n * 8 + 2 * t + i % 2, position = first_position_ + row;
          const bool seen = row < rows_ && key <= position && (call_.window < 0 || key > position - call_.window);
          if (!seen) x = -INFINITY;
        }
        s[n][i] = x;
      }
    }
  }

  __device__ static uint32_t pack(T low, T high) {
    uint16_t bits[2];
    memcpy(&bits[0], &low, 2);
    memcpy(&bits[1], &high, 2);
    return static_cast<uint32_t>(bits[0]) | static_cast<uint32_t>(bits[1]) << 16;
  }

  const PlanCall& call_;
  T* shared_;
  const T* keys_;
  int32_t rows_;
  int64_t total_, first_position_;
  uint32_t q_[D / 16][4];
};

struct Segment {
  int64_t begin, end;  // tiles
  __device__ Segment(const EstimateSlot& slot, int64_t tiles) {
    const int64_t total = (int64_t{slot.past} + slot.rows + kTile - 1) / kTile;
    begin = blockIdx.y * tiles < total ? blockIdx.y * tiles : total;
    end = begin + tiles < total ? begin + tiles : total;
  }
};

// Maximum and sum of exp2(s - maximum) of each row over the segment's keys.
template <typename T, int D>
__global__ void __launch_bounds__(kThreads) row_sums_kernel(PlanCall call, const EstimateSlot* slots, int64_t tiles) {
  const EstimateSlot slot = slots[blockIdx.x];
  const Segment segment(slot, tiles);
  if (slot.rows == 0) return;
  const Scores<T, D> scores(call, slot, reinterpret_cast<T*>(dynamic_shared()));
  float max[2] = {-INFINITY, -INFINITY}, sum[2] = {0, 0};
  if (segment.begin < segment.end) scores.load(segment.begin, 0);
  for (int64_t tile = segment.begin; tile < segment.end; ++tile) {
    const int buffer = static_cast<int>((tile - segment.begin) % 2);
    if (tile + 1 < segment.end) {
      scores.load(tile + 1, 1 - buffer);
      ptx::cp_async_wait<1>();
    } else {
      ptx::cp_async_wait<0>();
    }
    __syncthreads();
    float s[kTile / 8][4];
    scores.compute(tile, buffer, s);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float larger = max[half];
#pragma unroll
      for (int n = 0; n < kTile / 8; ++n) larger = fmaxf(larger, fmaxf(s[n][2 * half], s[n][2 * half + 1]));
      if (larger == -INFINITY) continue;
      float added = 0;
#pragma unroll
      for (int n = 0; n < kTile / 8; ++n) added += exp2f(s[n][2 * half] - larger) + exp2f(s[n][2 * half + 1] - larger);
      sum[half] = sum[half] * exp2f(max[half] - larger) + added;
      max[half] = larger;
    }
    __syncthreads();  // all have read the buffer that the next round fills
  }
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float larger = max[half];
#pragma unroll
    for (int lanes = 1; lanes < 4; lanes *= 2) larger = fmaxf(larger, __shfl_xor_sync(0xffffffffu, larger, lanes));
    float all = max[half] == -INFINITY ? 0.0f : sum[half] * exp2f(max[half] - larger);
#pragma unroll
    for (int lanes = 1; lanes < 4; lanes *= 2) all += __shfl_xor_sync(0xffffffffu, all, lanes);
    if (threadIdx.x % 4 == 0)
      slot.partial[int64_t{blockIdx.y} * kLastQ + scores.row_of(half)] = make_float2(larger, all);
  }
}

// Sums of the probabilities over each key and each distance. A distance belongs to at most two segments: two additions
// to zero give the same in any order.
template <typename T, int D>
__global__ void __launch_bounds__(kThreads)
    position_sums_kernel(PlanCall call, const EstimateSlot* slots, int64_t tiles) {
  const EstimateSlot slot = slots[blockIdx.x];
  const Segment segment(slot, tiles);
  if (slot.rows == 0 || segment.begin >= segment.end) return;
  unsigned char* shared = dynamic_shared();
  const Scores<T, D> scores(call, slot, reinterpret_cast<T*>(shared));
  auto* probabilities = reinterpret_cast<float*>(shared + Scores<T, D>::kSharedBytes);
  float* row_max = probabilities + kLastQ * kProbPitch;
  float* row_scale = row_max + kLastQ;
  scores.load(segment.begin, 0);
  if (threadIdx.x < kLastQ) {
    float max = -INFINITY, sum = 0;
    for (unsigned i = 0; i < gridDim.y; ++i) max = fmaxf(max, slot.partial[int64_t{i} * kLastQ + threadIdx.x].x);
    for (unsigned i = 0; max > -INFINITY && i < gridDim.y; ++i) {
      const float2 part = slot.partial[int64_t{i} * kLastQ + threadIdx.x];
      if (part.x > -INFINITY) sum += part.y * exp2f(part.x - max);
    }
    if (call.head_sink != nullptr && max > -INFINITY) {
      sum += exp2f(call.head_sink[slot.head % call.num_heads] * kLog2e - max);
    }
    row_max[threadIdx.x] = max > -INFINITY ? max : 0.0f;
    row_scale[threadIdx.x] = max > -INFINITY ? 1.0f / sum : 0.0f;
  }
  const int diagonal = threadIdx.x;        // threads 0 … 63: distances
  const int column = threadIdx.x - kTile;  // threads 64 … 127: keys
  float carry = 0;
  for (int64_t tile = segment.begin; tile < segment.end; ++tile) {
    const int buffer = static_cast<int>((tile - segment.begin) % 2);
    if (tile + 1 < segment.end) {
      scores.load(tile + 1, 1 - buffer);
      ptx::cp_async_wait<1>();
    } else {
      ptx::cp_async_wait<0>();
    }
    __syncthreads();
    float s[kTile / 8][4];
    scores.compute(tile, buffer, s);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = scores.row_of(half);
      const float max = row_max[row], scale = row_scale[row];
      float* to = probabilities + row * kProbPitch + 2 * (threadIdx.x % 4);
#pragma unroll
      for (int n = 0; n < kTile / 8; ++n) {
        to[n * 8] = exp2f(s[n][2 * half] - max) * scale;
        to[n * 8 + 1] = exp2f(s[n][2 * half + 1] - max) * scale;
      }
    }
    __syncthreads();
    const int64_t first_key = tile * kTile;
    if (threadIdx.x >= kTile) {
      float sum = 0;
#pragma unroll 8
      for (int row = 0; row < kLastQ; ++row) sum += probabilities[row * kProbPitch + column];
      if (first_key + column < scores.total_) slot.columns[first_key + column] = sum;
    } else {
      // Row r and key c of the tile lie on diagonal r - c: this thread's at diagonal + 1, which began in the tile
      // before (c < 63 - diagonal), and at diagonal - 63, which goes on in the next.
      float sum = carry, begun = 0;
#pragma unroll 8
      for (int c = 0; c < kTile; ++c) {
        const float p = probabilities[(c + diagonal + 1) % kTile * kProbPitch + c];
        (c < kTile - 1 - diagonal ? sum : begun) += p;
      }
      int64_t distance = scores.first_position_ - first_key + diagonal + 1;
      if (diagonal == kTile - 1) {  // r - c = 0: all of it within the tile
        distance = scores.first_position_ - first_key;
        sum = begun;
        begun = 0;
      }
      if (distance >= 0 && distance < scores.total_) {
        if (tile == segment.begin) {
          atomicAdd(slot.slashes + distance, sum);
        } else {
          slot.slashes[distance] = sum;
        }
      }
      carry = begun;
      distance = scores.first_position_ - first_key - (kTile - 1) + diagonal;
      if (tile + 1 == segment.end && diagonal < kTile - 1 && distance >= 0) atomicAdd(slot.slashes + distance, carry);
    }
  }
}

template <typename T, int D>
void run(const PlanCall& call, const EstimateSlot* slots, int64_t count, int64_t longest, cudaStream_t stream) {
  // Heads first: those of one cache head read the same keys at about the same time.
  const dim3 grid(static_cast<unsigned>(count), static_cast<unsigned>(estimate_segments(longest)));
  constexpr size_t kKeys = Scores<T, D>::kSharedBytes;
  constexpr size_t kSums = kKeys + (kLastQ * kProbPitch + 2 * kLastQ) * sizeof(float);
  const int64_t tiles = segment_tiles(longest);
  launch(row_sums_kernel<T, D>, grid, dim3(kThreads), kKeys, stream, call, slots, tiles);
  launch(position_sums_kernel<T, D>, grid, dim3(kThreads), kSums, stream, call, slots, tiles);
}

}  // namespace

int64_t estimate_segments(int64_t total) {
  const int64_t tiles = (total + kTile - 1) / kTile, each = segment_tiles(total);
  return std::max<int64_t>(1, (tiles + each - 1) / each);
}

void estimate_last_rows(const PlanCall& call, DataType dtype, const EstimateSlot* slots, int64_t count, int64_t longest,
                        float* sums, size_t sums_bytes, const Context& context) {
  if (count == 0 || longest == 0) return;
  check(cudaMemsetAsync(sums, 0, sums_bytes, context.stream), "clearing the estimates");
  dispatch_half(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    switch (call.head_dim) {
      case 64:
        return run<T, 64>(call, slots, count, longest, context.stream);
      case 96:
        return run<T, 96>(call, slots, count, longest, context.stream);
      case 128:
        return run<T, 128>(call, slots, count, longest, context.stream);
      case 256:
        return run<T, 256>(call, slots, count, longest, context.stream);
      default:
        throw std::invalid_argument("the CUDA kernels take head sizes 64, 96, 128 and 256");
    }
  });
}

}  // namespace minference::cuda
