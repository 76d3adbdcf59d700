// mma.sync.m16n8k16 with float32 accumulation. Per lane, with g = lane / 4 and t = lane % 4, each register holding two
// neighbours along k (A, B) or one element (C):
//   a[0] (row g, k 2t)   a[1] (row g + 8, k 2t)   a[2] (row g, k 2t + 8)   a[3] (row g + 8, k 2t + 8)
//   b[0] (k 2t, column g)   b[1] (k 2t + 8, column g)
//   c[0] (row g, column 2t)   c[1] (row g, column 2t + 1)   c[2], c[3] the same in row g + 8
#pragma once

#include <cstdint>

#include "common/dtype.cuh"
#include "common/launch.cuh"

namespace minference::cuda::ptx {

template <typename T>
__device__ inline void mma_m16n8k16(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]);
template <>
__device__ inline void mma_m16n8k16<__half>(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
      "%3};\n"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
template <>
__device__ inline void mma_m16n8k16<__nv_bfloat16>(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
      "%3};\n"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

}  // namespace minference::cuda::ptx
