// The two products of a tile on the tensor cores, for one warpgroup of 64 rows.
#pragma once

#include "ptx/math.cuh"
#include "ptx/wgmma.cuh"
#include "shared.cuh"

namespace minference::cuda::sm90 {

// scores[64, kKeys] = Q Kᵀ, started. `q`: this group's rows of the query tile.
template <typename T, int kHeadDim>
__device__ __forceinline__ void start_scores(float (&scores)[kKeys / 2], const unsigned char* q,
                                             const unsigned char* k) {
  const ptx::Descriptor queries = ptx::descriptor_k_major(q), keys = ptx::descriptor_k_major(k);
#pragma unroll
  for (int panel = 0; panel < kHeadDim / 64; ++panel) {
#pragma unroll
    for (int step = 0; step < 4; ++step) {  // 16 elements
      const uint32_t bytes = panel * kPanelBytes + step * 32;
      ptx::wgmma_ss<T, kKeys>(scores, queries.after(bytes), keys.after(bytes), panel + step > 0);
    }
  }
  ptx::wgmma_commit();
}

// out[64, kHeadDim] += P V, started.
template <typename T, int kHeadDim>
__device__ __forceinline__ void start_output(float (&out)[kHeadDim / 2], const uint32_t (&p)[kKeys / 16][4],
                                             const unsigned char* v) {
  const ptx::Descriptor values = ptx::descriptor_mn_major(v, kPanelBytes);
#pragma unroll
  for (int step = 0; step < kKeys / 16; ++step) {
    ptx::wgmma_rs<T, kHeadDim>(out, p[step], values.after(step * (16 * kRowBytes)), true);
  }
  ptx::wgmma_commit();
}

// The accumulator's layout is that of the A operand, 16 columns at a time.
template <typename T>
__device__ __forceinline__ void pack_probabilities(const float (&scores)[kKeys / 2], uint32_t (&p)[kKeys / 16][4]) {
#pragma unroll
  for (int step = 0; step < kKeys / 16; ++step) {
#pragma unroll
    for (int i = 0; i < 4; ++i) p[step][i] = ptx::pack2<T>(scores[8 * step + 2 * i], scores[8 * step + 2 * i + 1]);
  }
}

}  // namespace minference::cuda::sm90
