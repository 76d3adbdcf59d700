// Online softmax of a warpgroup's 64 rows. A thread holds two rows, `half` 0 and 1 (8 apart), of an accumulator as
// wgmma lays it out: element 4i + 2 half + j is column 8i + 2 (lane % 4) + j.
#pragma once

#include "ptx/math.cuh"
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

// Scores of the granules that `flags` name: by their keys' positions, or by bits alone where every row sees those that
// count. Row r sees the keys r - reach + 1 … r.
template <int kSize>
__device__ __forceinline__ void mask_scores(float (&scores)[kSize], uint32_t flags, const TileKeys& tile, int32_t row,
                                            uint32_t reach) {
  if ((flags & kAnyMasked) == 0) return;
  const int column = 2 * static_cast<int>(threadIdx.x % 4);
#pragma unroll
  for (int granule = 0; granule < kGranules; ++granule) {
    if ((flags & kChosen << granule) != 0) {
      const uint32_t bits = tile.wanted[granule] >> column;
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        if ((bits >> (8 * (i / 2) + i % 2) & 1) != 0) continue;
        float* first = scores + 16 * granule + 4 * (i / 2) + i % 2;
        first[0] = first[2] = -INFINITY;
      }
    } else if ((flags & kMasked << granule) != 0) {
#pragma unroll
      for (int i = 4 * granule; i < 4 * granule + 4; ++i) {
        const int2 keys = *reinterpret_cast<const int2*>(tile.positions + 8 * i + column);
#pragma unroll
        for (int half = 0; half < 2; ++half) {
          // A key beyond the row makes the difference negative, which is large without a sign.
          if (static_cast<uint32_t>(row + 8 * half - keys.x) >= reach) scores[4 * i + 2 * half] = -INFINITY;
          if (static_cast<uint32_t>(row + 8 * half - keys.y) >= reach) scores[4 * i + 2 * half + 1] = -INFINITY;
        }
      }
    }
  }
}

// Probabilities are relative to a reference, not to the row's largest score: the reference follows only when that has
// outgrown it by this much (in powers of two). Until then nothing must be rescaled and no lane asks another; both
// float16 and bfloat16 have room for the factor.
constexpr float kSlack = 8;

class Softmax {
 public:
  // `scale`: of scores to base-2 logits; positive.
  __device__ explicit Softmax(float scale) : scale_(scale), slack_(kSlack / scale) {}

  // Scores become unnormalised probabilities. Returns whether earlier results of the warp's rows must be multiplied
  // with `correction`.
  template <int kSize>
  __device__ __forceinline__ bool update(float (&scores)[kSize], float (&correction)[2]) {
    // Two strands each: half the chain of instructions that wait for one another.
    float most[2][2];
#pragma unroll
    for (int i = 0; i < kSize; i += 2) {
      float& strand = most[i / 2 % 2][i / 4 % 2];
      const float larger = fmaxf(scores[i], scores[i + 1]);
      strand = i < 8 ? larger : fmaxf(strand, larger);
    }
    const float largest[2] = {fmaxf(most[0][0], most[0][1]), fmaxf(most[1][0], most[1][1])};
    const bool grows = largest[0] > reference_[0] + slack_ || largest[1] > reference_[1] + slack_;
    const bool corrects = __any_sync(0xffffffffu, grows);
    if (corrects) raise(largest, correction);
    float sum[2][2] = {{sum_[0], 0}, {sum_[1], 0}};
#pragma unroll
    for (int i = 0; i < kSize; ++i) {
      scores[i] = ptx::exp2_fast(fmaf(scores[i], scale_, -shift_[i / 2 % 2]));
      sum[i / 2 % 2][i % 2] += scores[i];
    }
    sum_[0] = sum[0][0] + sum[0][1];
    sum_[1] = sum[1][0] + sum[1][1];
    return corrects;
  }

  // Never traps, but the assembler does not know: a branch on the sums keeps it from moving the exponentials behind the
  // wait for the products that they are to run beside.
  __device__ __forceinline__ void settle() const {
    if (fminf(sum_[0], sum_[1]) < 0) __trap();
  }

  // What the row's result is multiplied with, and the row's LSE.
  __device__ float finish(int half, const float* sink, float& lse) const {
    const float sum = quad_sum(sum_[half]), shift = shift_[half];
    // A row with a score that is no number has such a sum: it must not take the way of a row without keys.
    lse = sum <= 0 ? -INFINITY : (shift + log2f(sum)) * kLn2;
    if (sum <= 0) return 0;
    return 1 / (sum + (sink == nullptr ? 0.0f : exp2f(*sink * kLog2E - shift)));
  }

 private:
  // The reference becomes the largest score so far.
  __device__ __forceinline__ void raise(const float (&largest)[2], float (&correction)[2]) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float before = reference_[half];
      reference_[half] = quad_max(fmaxf(before, largest[half]));
      // Of a row that has seen no key yet 0, so that its probabilities come out as 0 and not as NaN.
      shift_[half] = reference_[half] == -INFINITY ? 0.0f : reference_[half] * scale_;
      correction[half] = ptx::exp2_fast(before * scale_ - shift_[half]);
      sum_[half] *= correction[half];
    }
  }

  float scale_, slack_;
  float reference_[2] = {-INFINITY, -INFINITY};  // a score
  float shift_[2] = {0, 0};                      // the same as a logit
  float sum_[2] = {0, 0};                        // of this thread's columns
};

}  // namespace minference::cuda::sm90
