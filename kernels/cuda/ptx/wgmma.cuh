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

#include "../common/dtype.cuh"
#include "../common/launch.cuh"

namespace minference::cuda::ptx {

// Where an operand lies in shared memory and how. PTX, "Matrix descriptor": 14 bits each of address, leading and stride
// byte offset without their lowest four bits; bits 62-63: 1 is the 128-byte swizzle. The base offset stays 0: patterns
// start at multiples of 1024 bytes.
class Descriptor {
 public:
  // The address is the same in all lanes. Said of the first lane only, so that ptxas knows it too and keeps what
  // follows from it in uniform registers: else it moves every descriptor there on its own, and products wait for that.
  __device__ Descriptor(const void* shared, uint32_t leading_bytes, uint32_t stride_bytes)
      : low_(__shfl_sync(0xffffffffu, (static_cast<uint32_t>(__cvta_generic_to_shared(shared)) & 0x3ffff) >> 4, 0) |
             ((leading_bytes & 0x3ffff) >> 4) << 16),
        high_((stride_bytes & 0x3ffff) >> 4 | 1u << 30) {}

  // The same `bytes` (a multiple of 16) further on.
  __device__ Descriptor after(uint32_t bytes) const { return Descriptor(low_ + bytes / 16, high_); }
  __device__ uint64_t bits() const { return uint64_t{high_} << 32 | low_; }

 private:
  __device__ Descriptor(uint32_t low, uint32_t high) : low_(low), high_(high) {}
  uint32_t low_, high_;
};

// Rows of A (or columns of B) are 128 bytes along k; every 8 rows 1024 bytes. The next 16 elements of k are after(32);
// the operand begins at a multiple of 1024 bytes. (The leading offset is not used with a swizzle.)
__device__ inline Descriptor descriptor_k_major(const void* shared) { return Descriptor(shared, 16, 1024); }

// [k][64 elements of m or n]: rows of 128 bytes, every 8 rows of k 1024 bytes; the next 64 elements of m or n
// `mn_stride_bytes` on. PTX, "Strides", MN-major and swizzled: the leading offset leads to the next swizzle-width (64)
// elements of m or n, the stride offset to the next 8 of k; CUTLASS names the same layout Swizzle<3,4,3> o
// ((T,8,m),(8,k)):((1,T,LBO),(8T,SBO)) with T = 8 elements.
// The next 16 elements of k are after(2048).
__device__ inline Descriptor descriptor_mn_major(const void* shared, uint32_t mn_stride_bytes) {
  return Descriptor(shared, mn_stride_bytes, 1024);
}

}  // namespace minference::cuda::ptx

#ifdef MINFERENCE_EMULATE
#include "../emulate/wgmma.h"
#else

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

#endif
