// Random operands that float16 and bfloat16 hold exactly, so that the reference computes with the same numbers.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "../../cpu/half.h"
#include "minference/params.h"

namespace minference::cuda::check_kernels {

inline uint16_t to_bits(float value, DataType dtype) {
  if (dtype == DataType::kFloat16) return cpu::float_to_half(value);
  const auto bits = std::bit_cast<uint32_t>(value);
  return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

inline float from_bits(uint16_t bits, DataType dtype) {
  return dtype == DataType::kFloat16 ? cpu::half_to_float(bits) : std::bit_cast<float>(uint32_t{bits} << 16);
}

struct Operand {
  std::vector<float> values;
  std::vector<uint16_t> bits;
};

inline Operand make_operand(std::vector<float> values, DataType dtype) {
  Operand operand{std::move(values), {}};
  for (float& value : operand.values) {
    if (dtype == DataType::kFloat32) continue;
    operand.bits.push_back(to_bits(value, dtype));
    value = from_bits(operand.bits.back(), dtype);
  }
  return operand;
}

// Normal values; a fixed seed gives the same on every machine.
inline std::vector<float> normal(size_t count, uint64_t seed) {
  std::mt19937_64 random(seed * 0x9e3779b97f4a7c15u + 1);
  std::vector<float> values(count);
  const auto uniform = [&] { return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53; };
  for (float& value : values) {
    value = static_cast<float>(std::sqrt(-2 * std::log(uniform())) * std::cos(2 * M_PI * uniform()));
  }
  return values;
}

inline std::vector<float> widen_bits(const std::vector<uint16_t>& bits, DataType dtype) {
  std::vector<float> values;
  values.reserve(bits.size());
  for (const uint16_t b : bits) values.push_back(from_bits(b, dtype));
  return values;
}

}  // namespace minference::cuda::check_kernels
