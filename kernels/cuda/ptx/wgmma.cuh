// wgmma: products of a warpgroup (64 rows) with operands in shared memory, accumulated in float32; asynchronous.
//   wgmma_fence(); wgmma_ss…; wgmma_commit(); … wgmma_wait<0>();
// The fence comes before the first product and whenever ordinary code has written registers that a product takes (a
// loop, as barrier_wait, between fence and product makes ptxas add a fence of its own: C7519, harmless). Until the
// wait, nobody touches accumulators or A registers; `wgmma_hold` around it keeps the compiler from moving accesses.
// With warp w of the warpgroup, g = lane / 4 and t = lane % 4:
//   d[i]: row 16 w + g + 8 (i / 2 % 2), column 8 (i / 4) + 2 t + i % 2
//   a[r]: row 16 w + g + 8 (r % 2), k 2 t + 8 (r / 2) in the lower half and its neighbour in the upper
#pragma once

#include <cstdint>

#include "common/dtype.cuh"
#include "ptx/descriptor.cuh"

namespace minference::cuda::ptx {

__device__ inline void wgmma_fence() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  asm volatile("wgmma.fence.sync.aligned;\n" ::: "memory");
#else
  __trap();
#endif
}
__device__ inline void wgmma_commit() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  asm volatile("wgmma.commit_group.sync.aligned;\n" ::: "memory");
#else
  __trap();
#endif
}
template <int kMayRemain>
__device__ inline void wgmma_wait() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  asm volatile("wgmma.wait_group.sync.aligned %0;\n" ::"n"(kMayRemain) : "memory");
#else
  __trap();
#endif
}

// For the compiler: the registers may change here.
template <int kCount>
__device__ inline void wgmma_hold(float (&registers)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; ++i) asm volatile("" : "+f"(registers[i])::"memory");
}
template <int kCount>
__device__ inline void wgmma_hold(uint32_t (&registers)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; ++i) asm volatile("" : "+r"(registers[i])::"memory");
}

// d = A·B (+ d): A [64, 16] and B [16, N] from shared memory, both K-major.
template <typename T, int N>
__device__ inline void wgmma_ss(float (&)[N / 2], Descriptor, Descriptor, bool) {
  __trap();
}

// d = A·B (+ d): A from registers, B from shared memory, N-major.
template <typename T, int N>
__device__ inline void wgmma_rs(float (&)[N / 2], const uint32_t (&)[4], Descriptor, bool = true) {
  __trap();
}

}  // namespace minference::cuda::ptx

#ifdef __CUDA_ARCH_FEAT_SM90_ALL
#include "wgmma_shapes.cuh"
#endif
