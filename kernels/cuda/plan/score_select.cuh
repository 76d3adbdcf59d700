// The positions of the best of many scores, ascending, by one block: exact radix selection, ties to the lower position.
// It streams the scores three times: to count their leading bits, to gather those around the threshold in shared
// memory, and to write. Where too many are around the threshold, further passes stream as well.
#pragma once

#include <cstdint>

#include "radix_select.cuh"

namespace minference::cuda {

constexpr int kScoreThreads = 1024;
constexpr int kScoreWarps = kScoreThreads / 32;

class ScoreSelect {
  static constexpr int kFirstShift = 19, kMiddleShift = 9;  // digits of 13, 10 and 9 bits
  static constexpr int kFirstBins = 1 << 13, kBins = 1 << 10;
  static constexpr int kCandidates = 8192;
  static constexpr int kQuads = 4;  // 16-byte loads that a thread has under way

 public:
  struct Shared {
    int32_t bins[kFirstBins];
    uint32_t keys[kCandidates];
    int32_t positions[kCandidates];
    int32_t less[kScoreWarps], equal[kScoreWarps];  // than the threshold, by the warp that streams them
    int32_t warp_sums[kScoreWarps];
    int32_t candidates, remaining, held;
    uint32_t digit;
  };

  // `scores` are aligned and padded to 16 bytes. The first `forced` positions are better than any other.
  __device__ ScoreSelect(const float* scores, int32_t n, int32_t forced, Shared& shared)
      : scores_(scores), forced_(forced), shared_(shared) {
    piece_ = (n + kScoreWarps * 128 - 1) / (kScoreWarps * 128) * 128;
    const int64_t begin = int64_t{piece_} * warp();
    begin_ = static_cast<int32_t>(begin < n ? begin : n);
    end_ = begin_ + (piece_ < n - begin_ ? piece_ : n - begin_);
  }

  // 0 < k < n
  __device__ void run(int32_t k, int32_t* chosen) {
    if (threadIdx.x == 0) shared_.candidates = 0;
    clear_bins(kFirstBins);
    stream([&](int32_t, const uint32_t(&key)[4]) {
#pragma unroll
      for (int j = 0; j < 4; ++j) atomicAdd(&shared_.bins[key[j] >> kFirstShift], 1);
    });
    Threshold threshold{0, k};
    const bool gathered = find_digit<kFirstBins>(kFirstShift, threshold) <= kCandidates;
    if (gathered) gather(threshold.key >> kFirstShift);
    for (int shift = kMiddleShift; shift >= 0; shift -= kMiddleShift) {
      const uint32_t known = 0xffffffffu << (shift + (shift == 0 ? kMiddleShift : kFirstShift - kMiddleShift));
      const uint32_t mask = shift == 0 ? (1u << kMiddleShift) - 1 : kBins - 1;
      const auto count = [&](uint32_t key) {
        if ((key & known) == threshold.key) atomicAdd(&shared_.bins[key >> shift & mask], 1);
      };
      clear_bins(kBins);
      if (gathered) {
        for (int i = threadIdx.x; i < shared_.candidates; i += kScoreThreads) count(shared_.keys[i]);
      } else {
        stream([&](int32_t, const uint32_t(&key)[4]) {
#pragma unroll
          for (int j = 0; j < 4; ++j) count(key[j]);
        });
      }
      find_digit<kBins>(shift, threshold);
    }
    if (gathered) {
      count_candidates(threshold.key);
    } else {
      count_streamed(threshold.key);
    }
    __syncthreads();
    write(threshold, chosen);
  }

 private:
  __device__ static int warp() { return static_cast<int>(threadIdx.x / 32); }
  __device__ static int lane() { return static_cast<int>(threadIdx.x % 32); }

  // visit(position, keys there and at the next three) over this warp's piece, by the whole warp. Behind the last score
  // keys are the worst that there are.
  template <typename Visit>
  __device__ void stream(const Visit& visit) const {
    for (int32_t first = begin_; first < end_; first += kQuads * 128) {
      float4 quads[kQuads];
#pragma unroll
      for (int u = 0; u < kQuads; ++u) {
        const int32_t i = first + u * 128 + 4 * lane();
        quads[u] = read(i);
      }
#pragma unroll
      for (int u = 0; u < kQuads; ++u) {
        if (first + u * 128 >= end_) break;
        const int32_t i = first + u * 128 + 4 * lane();
        const float score[4] = {quads[u].x, quads[u].y, quads[u].z, quads[u].w};
        uint32_t key[4];
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          key[j] = i + j >= end_ ? kPaddingKey : i + j < forced_ ? kForcedKey : falling_key(score[j]);
        }
        visit(i, key);
      }
    }
  }

  // The scores from i on; behind the last one lies memory that nobody has written.
  __device__ float4 read(int32_t i) const {
    if (i + 4 <= end_) return __ldg(reinterpret_cast<const float4*>(scores_ + i));
    const auto score = [&](int32_t at) { return at < end_ ? __ldg(scores_ + at) : 0.0f; };
    return make_float4(score(i), score(i + 1), score(i + 2), score(i + 3));
  }

  __device__ void clear_bins(int count) {
    for (int b = threadIdx.x; b < count; b += kScoreThreads) shared_.bins[b] = 0;
    __syncthreads();
  }

  // The bin where the `ties`-th of what was counted lies; `ties` becomes its rank there. Returns what the bin holds.
  template <int kCount>
  __device__ int find_digit(int shift, Threshold& threshold) {
    constexpr int kEach = kCount / kScoreThreads;
    __syncthreads();
    int mine = 0;
#pragma unroll
    for (int b = 0; b < kEach; ++b) mine += shared_.bins[threadIdx.x * kEach + b];
    int total;
    int before = block_exclusive_sum<kScoreThreads>(mine, shared_.warp_sums, total);
    if (before < threshold.ties && threshold.ties <= before + mine) {
      int b = threadIdx.x * kEach;
      for (; threshold.ties > before + shared_.bins[b]; ++b) before += shared_.bins[b];
      shared_.digit = static_cast<uint32_t>(b);
      shared_.remaining = threshold.ties - before;
      shared_.held = shared_.bins[b];
    }
    __syncthreads();
    threshold.key |= shared_.digit << shift;
    threshold.ties = shared_.remaining;
    const int held = shared_.held;
    __syncthreads();
    return held;
  }

  // Keys and positions of the bin `digit`, in any order; less[] counts what is surely chosen.
  __device__ void gather(uint32_t digit) {
    int less = 0;
    stream([&](int32_t i, const uint32_t(&key)[4]) {
      unsigned found[4];
      int before = 0, total = 0;
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        less += key[j] >> kFirstShift < digit;
        found[j] = __ballot_sync(0xffffffffu, key[j] >> kFirstShift == digit);
        before += __popc(found[j] & below());
        total += __popc(found[j]);
      }
      if (total == 0) return;
      int at = 0;
      if (lane() == 0) at = atomicAdd(&shared_.candidates, total);
      at = __shfl_sync(0xffffffffu, at, 0) + before;
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        if ((found[j] >> lane() & 1) == 0) continue;
        shared_.keys[at] = key[j];
        shared_.positions[at++] = i + j;
      }
    });
    less = __reduce_add_sync(0xffffffffu, less);
    if (lane() == 0) {
      shared_.less[warp()] = less;
      shared_.equal[warp()] = 0;
    }
    __syncthreads();
  }

  __device__ void count_candidates(uint32_t threshold) {
    for (int i = threadIdx.x; i < shared_.candidates; i += kScoreThreads) {
      const int of = shared_.positions[i] / piece_;
      if (shared_.keys[i] < threshold) atomicAdd(&shared_.less[of], 1);
      if (shared_.keys[i] == threshold) atomicAdd(&shared_.equal[of], 1);
    }
  }

  __device__ void count_streamed(uint32_t threshold) {
    int less = 0, equal = 0;
    stream([&](int32_t, const uint32_t(&key)[4]) {
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        less += key[j] < threshold;
        equal += key[j] == threshold;
      }
    });
    less = __reduce_add_sync(0xffffffffu, less);
    equal = __reduce_add_sync(0xffffffffu, equal);
    if (lane() == 0) {
      shared_.less[warp()] = less;
      shared_.equal[warp()] = equal;
    }
  }

  __device__ void write(Threshold threshold, int32_t* chosen) const {
    int less_before = 0, equal_before = 0;
    for (int w = 0; w < warp(); ++w) {
      less_before += shared_.less[w];
      equal_before += shared_.equal[w];
    }
    stream([&](int32_t i, const uint32_t(&key)[4]) {
      unsigned less[4], equal[4];
      unsigned any = 0;
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        less[j] = __ballot_sync(0xffffffffu, key[j] < threshold.key);
        equal[j] = __ballot_sync(0xffffffffu, key[j] == threshold.key);
        any |= less[j] | equal[j];
      }
      if (any == 0) return;
      // Lanes hold four neighbours each: all four of the lanes below come first.
      int less_here = less_before, equal_here = equal_before;
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        less_here += __popc(less[j] & below());
        equal_here += __popc(equal[j] & below());
        less_before += __popc(less[j]);
        equal_before += __popc(equal[j]);
      }
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        const bool is_less = (less[j] >> lane() & 1) != 0, is_equal = (equal[j] >> lane() & 1) != 0;
        if (is_less || (is_equal && equal_here < threshold.ties)) {
          chosen[less_here + (equal_here < threshold.ties ? equal_here : threshold.ties)] = i + j;
        }
        less_here += is_less;
        equal_here += is_equal;
      }
    });
  }

  __device__ static unsigned below() { return (1u << lane()) - 1; }

  const float* scores_;
  int32_t forced_, piece_, begin_, end_;
  Shared& shared_;
};

}  // namespace minference::cuda
