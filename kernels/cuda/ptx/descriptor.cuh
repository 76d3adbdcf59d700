// Where the operands of wgmma lie in shared memory.
#pragma once

#include <cstdint>

#include "common/launch.cuh"

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
