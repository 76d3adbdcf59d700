#include "attention_attributes.h"

#include <cmath>
#include <limits>

#include "checked_input.h"

namespace minference::ops {
namespace {

// Attributes of another type than asked for count as absent in ONNX Runtime; the defaults then apply.
template <typename T>
T attribute_or(const Ort::ConstKernelInfo& info, const char* name, T fallback) {
  try {
    return info.GetAttribute<T>(name);
  } catch (const Ort::Exception&) {
    return fallback;
  }
}

int64_t head_count(const Ort::ConstKernelInfo& info, const char* name) {
  constexpr int64_t kMost = 1 << 20;  // keeps products of shapes within int64
  const int64_t value = attribute_or<int64_t>(info, name, 0);
  expect(value > 0 && value <= kMost, std::string("expected attribute ") + name + " from 1 to " +
                                          std::to_string(kMost) + ", found " + std::to_string(value));
  return value;
}

float finite(const Ort::ConstKernelInfo& info, const char* name) {
  const float value = attribute_or<float>(info, name, 0.f);
  expect(std::isfinite(value) && value >= 0.f,
         std::string("expected attribute ") + name + " to be finite and >= 0, found " + std::to_string(value));
  return value;
}

int64_t local_window_size(const Ort::ConstKernelInfo& info) {
  const int64_t value = attribute_or<int64_t>(info, "local_window_size", -1);
  expect(value == -1 || value > 0,
         "expected attribute local_window_size -1 (none) or > 0, found " + std::to_string(value));
  return value;
}

int32_t block_size(const Ort::ConstKernelInfo& info, const char* name, int64_t multiple) {
  const int64_t value = attribute_or<int64_t>(info, name, 0);
  expect(value >= 0 && value % multiple == 0 && value <= std::numeric_limits<int32_t>::max(),
         std::string("expected attribute ") + name + " to be 0 (the optimized kernel's) or a positive multiple of " +
             std::to_string(multiple) + ", found " + std::to_string(value));
  return static_cast<int32_t>(value);
}

bool is_reference(const Ort::ConstKernelInfo& info) {
  const auto name = attribute_or<std::string>(info, "implementation", "optimized");
  expect(name == "optimized" || name == "reference",
         "expected attribute implementation to be \"optimized\" or \"reference\", found \"" + name + "\"");
  return name == "reference";
}

}  // namespace

AttentionAttributes::AttentionAttributes(const Ort::ConstKernelInfo& info)
    : num_heads(head_count(info, "num_heads")),
      num_kv_heads(head_count(info, "kv_num_heads")),
      scale(finite(info, "scale")),
      softcap(finite(info, "softcap")),
      do_rotary(attribute_or<int64_t>(info, "do_rotary", 0) != 0),
      rotary_interleaved(attribute_or<int64_t>(info, "rotary_interleaved", 0) != 0),
      local_window(local_window_size(info)),
      reference(is_reference(info)),
      geometry{.block_m = block_size(info, "block_m", kPatternBlock),
               .block_n = block_size(info, "block_n", 1),
               .key_align = block_size(info, "key_align", 1),
               .columns_in_place = attribute_or<int64_t>(info, "columns_in_place", 0) != 0} {
  expect(num_heads % num_kv_heads == 0, "expected num_heads to be a multiple of kv_num_heads, found " +
                                            std::to_string(num_heads) + " and " + std::to_string(num_kv_heads));
}

}  // namespace minference::ops
