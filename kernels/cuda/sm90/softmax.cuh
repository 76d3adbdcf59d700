// Online softmax of a warpgroup's 64 rows. A thread holds two rows, `half` 0 and 1 (8 apart), of an accumulator as
// wgmma lays it out: element 4i + 2 half + j is column 8i + 2 (lane % 4) + j.
#pragma once

#include "../ptx/math.cuh"
#include "shared.cuh"

namespace minference::cuda::sm90 {

constexpr float kLog2E = 1.4426950408889634f;
constexpr float kLn2 = 0.6931471805599453f;

__device__ __forceinline__ float quad_max(float x) {
  x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 1));
  return fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 2));
}
__device__ __forceinline__ float quad_sum(float x) {
  x += __shfl_xor_sync(0xffffffffu, x, 1);
  return x + __shfl_xor_sync(0xffffffffu, x, 2);
}

// softcap * tanh(s * scale / softcap), so that what follows only multiplies by log2(e).
template <int kSize>
__device__ __forceinline__ void cap_scores(float (&scores)[kSize], float scale, float softcap) {
  const float inner = 2 * kLog2E * scale / softcap;
#pragma unroll
  for (int i = 0; i < kSize; ++i) {
    // tanh(x) = 1 - 2 / (exp(2x) + 1)
    scores[i] = softcap - __fdividef(2 * softcap, ptx::exp2_fast(scores[i] * inner) + 1);
  }
}

// Scores of the granules whose bit is set in `flags`. Row r sees the keys r - reach + 1 … r.
template <int kSize>
__device__ __forceinline__ void mask_scores(float (&scores)[kSize], uint32_t flags, const int32_t* positions,
                                            int32_t row, uint32_t reach) {
  if ((flags & kAnyMasked) == 0) return;
  const int column = 2 * static_cast<int>(threadIdx.x % 4);
#pragma unroll
  for (int granule = 0; granule < kGranules; ++granule) {
    if ((flags & kMasked << granule) == 0) continue;
#pragma unroll
    for (int i = 4 * granule; i < 4 * granule + 4; ++i) {
      const int2 keys = *reinterpret_cast<const int2*>(positions + 8 * i + column);
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        // A key beyond the row makes the difference negative, which is large without a sign.
        if (static_cast<uint32_t>(row + 8 * half - keys.x) >= reach) scores[4 * i + 2 * half] = -INFINITY;
        if (static_cast<uint32_t>(row + 8 * half - keys.y) >= reach) scores[4 * i + 2 * half + 1] = -INFINITY;
      }
    }
  }
}

class Softmax {
 public:
  // `scale`: of scores to base-2 logits.
  __device__ explicit Softmax(float scale) : scale_(scale) {}

  // Scores become unnormalised probabilities; `correction` is what earlier results must be multiplied with.
  template <int kSize>
  __device__ __forceinline__ void update(float (&scores)[kSize], float (&correction)[2]) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float most = max_[half];
#pragma unroll
      for (int i = 0; i < kSize / 4; ++i) {
        most = fmaxf(most, fmaxf(scores[4 * i + 2 * half], scores[4 * i + 2 * half + 1]));
      }
      most = quad_max(most);
      const float shift = logit(most);
      correction[half] = ptx::exp2_fast(max_[half] * scale_ - shift);
      max_[half] = most;
      float sum = 0;
#pragma unroll
      for (int i = 0; i < kSize / 4; ++i) {
#pragma unroll
        for (int j = 0; j < 2; ++j) {
          float& score = scores[4 * i + 2 * half + j];
          score = ptx::exp2_fast(fmaf(score, scale_, -shift));
          sum += score;
        }
      }
      sum_[half] = sum_[half] * correction[half] + sum;
    }
  }

  // Never traps, but the assembler does not know: a branch on the sums keeps it from moving the exponentials behind the
  // wait for the products that they are to run beside.
  __device__ __forceinline__ void settle() const {
    if (fminf(sum_[0], sum_[1]) < 0) __trap();
  }

  // What the row's result is multiplied with, and the row's LSE.
  __device__ float finish(int half, const float* sink, float& lse) const {
    const float sum = quad_sum(sum_[half]), shift = logit(max_[half]);
    lse = sum > 0 ? (shift + log2f(sum)) * kLn2 : -INFINITY;
    if (sink == nullptr) return sum > 0 ? 1 / sum : 0;
    return sum > 0 ? 1 / (sum + exp2f(*sink * kLog2E - shift)) : 0;
  }

 private:
  // Of a row that has seen no key yet: 0, so that its probabilities come out as 0 and not as NaN.
  __device__ __forceinline__ float logit(float most) const { return most == -INFINITY ? 0.0f : most * scale_; }

  float scale_;
  float max_[2] = {-INFINITY, -INFINITY};
  float sum_[2] = {0, 0};  // of this thread's columns
};

}  // namespace minference::cuda::sm90
