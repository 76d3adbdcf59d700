// Element types of the kernels and their conversion to float32, in which all arithmetic happens.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <stdexcept>

#include "minference/params.h"

namespace minference::cuda {

__host__ __device__ inline float to_float(float value) { return value; }
__host__ __device__ inline float to_float(__half value) { return __half2float(value); }
__host__ __device__ inline float to_float(__nv_bfloat16 value) { return __bfloat162float(value); }

template <typename T>
__host__ __device__ inline T from_float(float value);
template <>
__host__ __device__ inline float from_float<float>(float value) {
  return value;
}
template <>
__host__ __device__ inline __half from_float<__half>(float value) {
  return __float2half_rn(value);
}
template <>
__host__ __device__ inline __nv_bfloat16 from_float<__nv_bfloat16>(float value) {
  return __float2bfloat16_rn(value);
}

template <typename T>
struct TypeTag {
  using type = T;
};

// Calls fn with the TypeTag of a 16-bit type.
template <typename Fn>
auto dispatch_half(DataType dtype, Fn&& fn) {
  switch (dtype) {
    case DataType::kFloat16:
      return fn(TypeTag<__half>{});
    case DataType::kBFloat16:
      return fn(TypeTag<__nv_bfloat16>{});
    default:
      throw std::invalid_argument("the CUDA attention kernels take float16 and bfloat16");
  }
}

// The same with float32.
template <typename Fn>
auto dispatch(DataType dtype, Fn&& fn) {
  if (dtype == DataType::kFloat32) return fn(TypeTag<float>{});
  return dispatch_half(dtype, static_cast<Fn&&>(fn));
}

}  // namespace minference::cuda
