// Values that are no finite numbers, in the product with the weights. 0 times one is NaN: in a plain product the values
// of keys that a row does not see, or gives no weight, reach it. The kernels multiply plainly, and once more with the
// product below what came out spoiled.
#pragma once

#include <type_traits>

#include "common/launch.cuh"
#include "ptx/math.cuh"
#include "ptx/mma_sync.cuh"

namespace minference::cuda {

template <typename T>
constexpr uint32_t kExponentBits = std::is_same_v<T, __half> ? 0x7c00 : 0x7f80;
template <typename T>
constexpr uint32_t kOneBits = std::is_same_v<T, __half> ? 0x3c00 : 0x3f80;

// Of two packed values, all bits of those that are not finite.
template <typename T>
__device__ inline uint32_t anomalies_of(uint32_t pair) {
  constexpr uint32_t kExponents = kExponentBits<T> * 0x10001u;
  // One more than the highest exponent carries into the place of the sign.
  const uint32_t carried = (pair & kExponents) + (0x8000u - kExponentBits<T>)*0x10001u;
  return (carried >> 15 & 0x10001u) * 0xffffu;
}

// 1 in place of those of two packed values, all of them not finite or 0, that make a sum +inf or NaN; with `sign`
// 0x8000 -inf or NaN.
template <typename T>
__device__ inline uint32_t infinities_of(uint32_t pair, uint32_t sign) {
  uint32_t ones = 0;
#pragma unroll
  for (int shift = 0; shift < 32; shift += 16) {
    const uint32_t bits = pair >> shift & 0xffffu;
    if (bits == (kExponentBits<T> | sign) || (bits & 0x7fffu) > kExponentBits<T>) ones |= kOneBits<T> << shift;
  }
  return ones;
}

// Two weights as 1, or 0 if they are 0: some are too small for T.
template <typename T>
__device__ inline uint32_t pack_presence(float low, float high) {
  return ptx::pack2<T>(low > 0 ? 1.0f : 0.0f, high > 0 ? 1.0f : 0.0f);
}

// c += weights · values as ptx::mma_m16n8k16 has them, where values reach only rows that give them weight. `presence`:
// pack_presence of the weights.
template <typename T>
__device__ inline void multiply_carefully(float (&c)[4], const uint32_t (&weights)[4], const uint32_t (&presence)[4],
                                          const uint32_t (&values)[2]) {
  const uint32_t odd[2] = {anomalies_of<T>(values[0]), anomalies_of<T>(values[1])};
  ptx::mma_m16n8k16<T>(c, weights, {values[0] & ~odd[0], values[1] & ~odd[1]});
  if (!__any_sync(0xffffffffu, (odd[0] | odd[1]) != 0)) return;
#pragma unroll
  for (uint32_t sign = 0; sign <= 0x8000u; sign += 0x8000u) {
    float count[4] = {};
    ptx::mma_m16n8k16<T>(count, presence,
                         {infinities_of<T>(values[0] & odd[0], sign), infinities_of<T>(values[1] & odd[1], sign)});
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if (count[i] > 0) c[i] += sign == 0 ? INFINITY : -INFINITY;
    }
  }
}

}  // namespace minference::cuda
