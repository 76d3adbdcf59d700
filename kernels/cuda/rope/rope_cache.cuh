// Rotary embedding and cache write: one thread block per token row, all its heads; further blocks carry the past over
// into a present buffer of its own. Every element is read once and written once.
#pragma once

#include <cstdint>

#include "../common/dtype.cuh"
#include "common/launch.cuh"

namespace minference::cuda {

constexpr int kRopeThreads = 256;
constexpr int kRopeBatch = 64;           // batch entries per launch: their lengths travel as kernel arguments
constexpr int64_t kCopyElements = 8192;  // of a cache head, per copying block

// One launch: batch entries first_batch … first_batch + gridDim.y - 1.
template <typename T>
struct RopeArguments {
  const T* q;
  const T* k;
  const T* v;
  int64_t q_stride_batch, q_stride_seq, q_stride_head;
  int64_t kv_stride_batch, kv_stride_seq, kv_stride_head;
  T* q_rotated;     // null: leave q alone
  const T* past_k;  // null, or present_k: nothing to carry over
  const T* past_v;
  int64_t past_capacity;
  T* present_k;
  T* present_v;
  int64_t capacity;
  const T* cos_cache;
  const T* sin_cache;
  const int64_t* position_ids;  // [batch, seqlen_q] of the whole call, or null: first_position + row
  int64_t first_batch, seqlen_q;
  int32_t num_heads, num_kv_heads, head_dim, rotary_dim;
  int64_t copy_blocks;  // per cache head; 0 when past and present share their memory
  int32_t past_lens[kRopeBatch];
  int32_t new_lens[kRopeBatch];
  int64_t first_position[kRopeBatch];
};

template <typename T, int N>
struct alignas(sizeof(T) * N) Vector {
  T element[N];
};

// N pairs of a head's rotated part: (x, y) turns to (x cos - y sin, y cos + x sin). Interleaved pairs are neighbours,
// else element e is paired with e + rotary_dim / 2.
template <typename T, int N, bool kInterleaved>
__device__ inline void rotate_pairs(Vector<T, N>& first, Vector<T, N>& second, const Vector<T, N>& cos,
                                    const Vector<T, N>& sin) {
  float x[2 * N];
#pragma unroll
  for (int i = 0; i < N; ++i) {
    x[i] = to_float(first.element[i]);
    x[N + i] = to_float(second.element[i]);
  }
#pragma unroll
  for (int i = 0; i < N; ++i) {
    const int a = kInterleaved ? 2 * i : i, b = kInterleaved ? 2 * i + 1 : N + i;
    const float c = to_float(cos.element[i]), s = to_float(sin.element[i]);
    const float turned = x[a] * c - x[b] * s;
    x[b] = x[b] * c + x[a] * s;
    x[a] = turned;
  }
#pragma unroll
  for (int i = 0; i < N; ++i) {
    first.element[i] = from_float<T>(x[i]);
    second.element[i] = from_float<T>(x[N + i]);
  }
}

// The work of one row, in units that a thread does at once: 2·N elements that are rotated, or N that pass through.
template <typename T, int N, bool kInterleaved>
__device__ inline void write_row(const RopeArguments<T>& a, int local_batch, int64_t row) {
  using V = Vector<T, N>;
  const int64_t b = a.first_batch + local_batch;
  const bool padding = row >= a.new_lens[local_batch];
  const int half = a.rotary_dim / 2;
  const int rotated_units = half / N, units = rotated_units + (a.head_dim - a.rotary_dim) / N;
  const int q_heads = a.q_rotated != nullptr ? a.num_heads : 0;
  const int heads = q_heads + (padding ? 0 : 2 * a.num_kv_heads);
  const int64_t position = padding                     ? 0
                           : a.position_ids != nullptr ? a.position_ids[b * a.seqlen_q + row]
                                                       : a.first_position[local_batch] + row;
  const T* cos = a.cos_cache + position * half;
  const T* sin = a.sin_cache + position * half;
  for (int item = threadIdx.x; item < heads * units; item += kRopeThreads) {
    const int head = item / units, unit = item - head * units;
    const T* from;
    T* to;
    bool turns = true;
    if (head < q_heads) {
      from = a.q + b * a.q_stride_batch + row * a.q_stride_seq + head * a.q_stride_head;
      to = a.q_rotated + ((b * a.seqlen_q + row) * a.num_heads + head) * a.head_dim;
    } else {
      const int of_both = head - q_heads, kv_head = of_both % a.num_kv_heads;
      turns = of_both < a.num_kv_heads;
      from = (turns ? a.k : a.v) + b * a.kv_stride_batch + row * a.kv_stride_seq + kv_head * a.kv_stride_head;
      to = (turns ? a.present_k : a.present_v) +
           ((b * a.num_kv_heads + kv_head) * a.capacity + a.past_lens[local_batch] + row) * a.head_dim;
    }
    if (unit >= rotated_units) {
      const int e = a.rotary_dim + (unit - rotated_units) * N;
      *reinterpret_cast<V*>(to + e) = padding ? V{} : *reinterpret_cast<const V*>(from + e);
      continue;
    }
    const int e1 = kInterleaved ? 2 * N * unit : N * unit, e2 = kInterleaved ? e1 + N : e1 + half;
    V first{}, second{};
    if (!padding) {
      first = *reinterpret_cast<const V*>(from + e1);
      second = *reinterpret_cast<const V*>(from + e2);
      if (turns) {
        rotate_pairs<T, N, kInterleaved>(first, second, *reinterpret_cast<const V*>(cos + N * unit),
                                         *reinterpret_cast<const V*>(sin + N * unit));
      }
    }
    *reinterpret_cast<V*>(to + e1) = first;
    *reinterpret_cast<V*>(to + e2) = second;
  }
}

// Carries kCopyElements of one cache head over: the past's rows, and zeros behind the new rows.
template <typename T, int N>
__device__ inline void carry_past(const RopeArguments<T>& a, int local_batch, int64_t block) {
  using V = Vector<T, N>;
  const int64_t cache = block / a.copy_blocks;  // key heads, then value heads
  const bool is_key = cache < a.num_kv_heads;
  const int64_t head = (a.first_batch + local_batch) * a.num_kv_heads + (is_key ? cache : cache - a.num_kv_heads);
  const T* past = (is_key ? a.past_k : a.past_v) + head * a.past_capacity * a.head_dim;
  T* present = (is_key ? a.present_k : a.present_v) + head * a.capacity * a.head_dim;
  const int64_t past_end = int64_t{a.past_lens[local_batch]} * a.head_dim;
  const int64_t new_end = past_end + int64_t{a.new_lens[local_batch]} * a.head_dim;
  const int64_t begin = (block % a.copy_blocks) * kCopyElements;
  const int64_t limit = a.capacity * a.head_dim;
  const int64_t end = begin + kCopyElements < limit ? begin + kCopyElements : limit;
  for (int64_t e = begin + threadIdx.x * N; e < end; e += kRopeThreads * N) {
    if (e < past_end) {
      *reinterpret_cast<V*>(present + e) = *reinterpret_cast<const V*>(past + e);
    } else if (e >= new_end) {
      *reinterpret_cast<V*>(present + e) = V{};
    }
  }
}

// grid: (seqlen_q + 2·num_kv_heads·copy_blocks, batch entries). N elements are read and written at once; 1 where head
// size, strides or addresses do not allow more.
template <typename T, int N, bool kInterleaved>
__global__ void __launch_bounds__(kRopeThreads) rope_cache_kernel(RopeArguments<T> arguments) {
  const int64_t block = blockIdx.x;
  if (block < arguments.seqlen_q) {
    write_row<T, N, kInterleaved>(arguments, blockIdx.y, block);
  } else {
    carry_past<T, N>(arguments, blockIdx.y, block - arguments.seqlen_q);
  }
}

}  // namespace minference::cuda
