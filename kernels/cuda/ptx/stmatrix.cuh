// stmatrix: four 8x8 matrices of 16-bit elements from a warp's registers to shared memory. Register r[m] holds of
// matrix m: row lane / 4, columns 2 (lane % 4) and the next. `row` is the address of a row, 16-byte aligned: lanes
// 8 m … 8 m + 7 give those of matrix m.
#pragma once

#include <cstdint>

#include "common/launch.cuh"

namespace minference::cuda::ptx {

__device__ inline void stmatrix_x4(void* row, const uint32_t (&r)[4]) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};\n" ::"r"(address), "r"(r[0]),
               "r"(r[1]), "r"(r[2]), "r"(r[3])
               : "memory");
#else
  __trap();
#endif
}

}  // namespace minference::cuda::ptx
