// The k best of n scores by radix selection: O(n), exact, ties to the lower position.
#pragma once

#include <cstdint>

#include "../../shared/score_order.h"
#include "block_scan.cuh"

namespace minference::cuda {

// Positions with a smaller key are chosen, and the first `ties` with an equal one.
struct Threshold {
  uint32_t key;
  int32_t ties;
};

constexpr int kRadixBins = 2048;
constexpr int kAhead = 4;  // scores that a thread loads before it uses the first

struct SelectScratch {
  int32_t bins[kRadixBins];
  int32_t warp_sums[32];
  uint32_t digit;
  int32_t remaining;
};

// key(i) for i < n; 0 < k. The same result in all threads of the block.
template <int kThreads, typename Key>
__device__ inline Threshold find_threshold(const Key& key, int32_t n, int32_t k, SelectScratch& scratch) {
  if (k >= n) return {kPaddingKey, n};
  constexpr int kBinsEach = kRadixBins / kThreads;
  static_assert(kRadixBins % kThreads == 0);
  uint32_t prefix = 0, mask = 0;
  int32_t remaining = k;
  for (int pass = 0; pass < 3; ++pass) {
    const int shift = pass == 0 ? 21 : pass == 1 ? 10 : 0;
    const uint32_t digits = pass == 2 ? 1023u : 2047u;
    for (int b = threadIdx.x; b < kRadixBins; b += kThreads) scratch.bins[b] = 0;
    __syncthreads();
    for (int32_t first = threadIdx.x; first < n; first += kAhead * kThreads) {
      uint32_t bits[kAhead];
#pragma unroll
      for (int j = 0; j < kAhead; ++j) bits[j] = first + j * kThreads < n ? key(first + j * kThreads) : 0;
#pragma unroll
      for (int j = 0; j < kAhead; ++j) {
        const bool counts = first + j * kThreads < n && (bits[j] & mask) == prefix;
        if (counts) atomicAdd(&scratch.bins[bits[j] >> shift & digits], 1);
      }
    }
    __syncthreads();
    int mine = 0;
#pragma unroll
    for (int b = 0; b < kBinsEach; ++b) mine += scratch.bins[threadIdx.x * kBinsEach + b];
    int total;
    int before = block_exclusive_sum<kThreads>(mine, scratch.warp_sums, total);
    if (before < remaining && remaining <= before + mine) {
      for (int b = threadIdx.x * kBinsEach;; ++b) {
        const int count = scratch.bins[b];
        if (remaining <= before + count) {
          scratch.digit = static_cast<uint32_t>(b);
          scratch.remaining = remaining - before;
          break;
        }
        before += count;
      }
    }
    __syncthreads();
    prefix |= scratch.digit << shift;
    mask |= digits << shift;
    remaining = scratch.remaining;
    __syncthreads();
  }
  return {prefix, remaining};
}

// Calls emit(rank, i) for the chosen positions i; ranks ascend with the positions. Every warp takes one piece.
template <int kThreads, typename Key, typename Emit>
__device__ inline void for_each_chosen(const Key& key, int32_t n, Threshold threshold, SelectScratch& scratch,
                                       const Emit& emit) {
  constexpr int kWarps = kThreads / 32;
  const int warp = static_cast<int>(threadIdx.x / 32), lane = static_cast<int>(threadIdx.x % 32);
  const int32_t piece = (n + kWarps * 32 - 1) / (kWarps * 32) * 32;
  const int32_t begin = warp * piece, end = begin + piece < n ? begin + piece : n;
  int less = 0, equal = 0;
  for (int32_t i = begin + lane; i < end; i += 32) {
    const uint32_t bits = key(i);
    less += bits < threshold.key;
    equal += bits == threshold.key;
  }
  less = __reduce_add_sync(0xffffffffu, less);
  equal = __reduce_add_sync(0xffffffffu, equal);
  int32_t* less_of = scratch.bins;
  int32_t* equal_of = scratch.bins + kWarps;
  if (lane == 0) {
    less_of[warp] = less;
    equal_of[warp] = equal;
  }
  __syncthreads();
  int less_before = 0, equal_before = 0;
  for (int w = 0; w < warp; ++w) {
    less_before += less_of[w];
    equal_before += equal_of[w];
  }
  const unsigned lower = (1u << lane) - 1;
  for (int32_t first = begin; first < end; first += kAhead * 32) {
    uint32_t bits[kAhead];
#pragma unroll
    for (int j = 0; j < kAhead; ++j) bits[j] = first + j * 32 + lane < end ? key(first + j * 32 + lane) : 0;
#pragma unroll
    for (int j = 0; j < kAhead; ++j) {
      const int32_t i = first + j * 32 + lane;
      const bool is_less = i < end && bits[j] < threshold.key, is_equal = i < end && bits[j] == threshold.key;
      const unsigned all_less = __ballot_sync(0xffffffffu, is_less), all_equal = __ballot_sync(0xffffffffu, is_equal);
      const int32_t tie = equal_before + __popc(all_equal & lower);
      if (is_less || (is_equal && tie < threshold.ties)) {
        emit(less_before + __popc(all_less & lower) + (tie < threshold.ties ? tie : threshold.ties), i);
      }
      less_before += __popc(all_less);
      equal_before += __popc(all_equal);
    }
  }
  __syncthreads();
}

}  // namespace minference::cuda
