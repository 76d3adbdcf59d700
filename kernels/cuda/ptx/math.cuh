// Arithmetic that CUDA C++ has no exact name for.
#pragma once

#include <cstdint>

#include "common/dtype.cuh"
#include "common/launch.cuh"

namespace minference::cuda::ptx {

// 2^x within 2 ulp; subnormal inputs and results are 0.
__device__ inline float exp2_fast(float x) {
  float value;
  asm("ex2.approx.ftz.f32 %0, %1;\n" : "=f"(value) : "f"(x));
  return value;
}

// Two floats rounded to a register, `low` in the lower half.
template <typename T>
__device__ inline uint32_t pack2(float low, float high);
template <>
__device__ inline uint32_t pack2<__half>(float low, float high) {
  uint32_t packed;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;\n" : "=r"(packed) : "f"(high), "f"(low));
  return packed;
}
template <>
__device__ inline uint32_t pack2<__nv_bfloat16>(float low, float high) {
  uint32_t packed;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;\n" : "=r"(packed) : "f"(high), "f"(low));
  return packed;
}

}  // namespace minference::cuda::ptx
