// ptx/math.cuh on the CPU.
#pragma once

#include <cstdint>

#include "../../common/dtype.cuh"
#include "../cuda_on_cpu.h"

namespace minference::cuda::ptx {

inline float exp2_fast(float x) {
  const float value = std::exp2(x);
  return value < 0x1p-126f ? 0.0f : value;
}

template <typename T>
inline uint32_t pack2(float low, float high) {
  const T halves[2] = {from_float<T>(low), from_float<T>(high)};
  uint32_t packed;
  std::memcpy(&packed, halves, sizeof(packed));
  return packed;
}

}  // namespace minference::cuda::ptx
