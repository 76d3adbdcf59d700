// A row of the accumulator to device memory, 16 bytes per lane.
#pragma once

#include "../common/dtype.cuh"
#include "call.cuh"
#include "ptx/math.cuh"

namespace minference::cuda::sm90 {

// words[j] of the lane i of a quad becomes words[i] of lane j.
__device__ __forceinline__ void transpose_quad(uint32_t (&words)[4]) {
  const bool odd = threadIdx.x & 1, upper = threadIdx.x & 2;
#pragma unroll
  for (int i = 0; i < 4; i += 2) {
    const uint32_t got = __shfl_xor_sync(0xffffffffu, odd ? words[i] : words[i + 1], 1);
    (odd ? words[i] : words[i + 1]) = got;
  }
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    const uint32_t got = __shfl_xor_sync(0xffffffffu, upper ? words[i] : words[i + 2], 2);
    (upper ? words[i] : words[i + 2]) = got;
  }
}

// Row `row` of the call, held by a quad as Softmax's `half`. Rows at or beyond seqlen_q are not written. All lanes of
// the warp call this.
template <typename T, int kHeadDim>
__device__ __forceinline__ void write_row(const float (&out)[kHeadDim / 2], int half, float factor, bool zero,
                                          float lse, const Call& call, int32_t head, int32_t row) {
  const int32_t b = head / call.num_heads, h = head % call.num_heads;
  const int quad_lane = static_cast<int>(threadIdx.x % 4);
  T* to = static_cast<T*>(call.out) + ((int64_t{b} * call.seqlen_q + row) * call.num_heads + h) * kHeadDim;
#pragma unroll
  for (int i = 0; i < kHeadDim / 32; ++i) {  // 4 groups of 8 columns, one for each lane
    uint32_t words[4];
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const int at = 4 * (4 * i + j) + 2 * half;
      words[j] = zero ? 0u : ptx::pack2<T>(out[at] * factor, out[at + 1] * factor);
    }
    transpose_quad(words);
    if (row < call.seqlen_q) {
      *reinterpret_cast<uint4*>(to + 32 * i + 8 * quad_lane) = make_uint4(words[0], words[1], words[2], words[3]);
    }
  }
  if (call.lse != nullptr && quad_lane == 0 && row < call.seqlen_q) {
    call.lse[int64_t{head} * call.seqlen_q + row] = lse;
  }
}

}  // namespace minference::cuda::sm90
