#include "../half.h"
#include "reference.h"

namespace minference::cpu::reference {

double load(const void* data, int64_t element, DataType dtype) {
  if (dtype == DataType::kFloat16) return half_to_float(static_cast<const uint16_t*>(data)[element]);
  return static_cast<const float*>(data)[element];
}

void store(void* data, int64_t element, double value, DataType dtype) {
  if (dtype == DataType::kFloat16) {
    static_cast<uint16_t*>(data)[element] = float_to_half(static_cast<float>(value));
  } else {
    static_cast<float*>(data)[element] = static_cast<float>(value);
  }
}

}  // namespace minference::cpu::reference
