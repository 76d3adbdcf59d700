#include "attention_attributes.h"

#include <stdexcept>

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

int64_t required(const Ort::ConstKernelInfo& info, const char* name) {
  const int64_t value = attribute_or<int64_t>(info, name, 0);
  if (value <= 0) throw std::invalid_argument(std::string("expected attribute ") + name + " > 0");
  return value;
}

}  // namespace

AttentionAttributes::AttentionAttributes(const Ort::ConstKernelInfo& info)
    : num_heads(required(info, "num_heads")),
      num_kv_heads(required(info, "kv_num_heads")),
      scale(attribute_or<float>(info, "scale", 0.f)),
      softcap(attribute_or<float>(info, "softcap", 0.f)),
      do_rotary(attribute_or<int64_t>(info, "do_rotary", 0) != 0),
      rotary_interleaved(attribute_or<int64_t>(info, "rotary_interleaved", 0) != 0),
      local_window(attribute_or<int64_t>(info, "local_window_size", -1)) {
  if (num_heads % num_kv_heads != 0) {
    throw std::invalid_argument("expected num_heads to be a multiple of kv_num_heads, found " +
                                std::to_string(num_heads) + " and " + std::to_string(num_kv_heads));
  }
  const auto implementation = attribute_or<std::string>(info, "implementation", "optimized");
  if (implementation != "optimized" && implementation != "reference") {
    throw std::invalid_argument("expected implementation \"optimized\" or \"reference\", found \"" + implementation + "\"");
  }
  reference = implementation == "reference";
  geometry.block_m = static_cast<int32_t>(attribute_or<int64_t>(info, "block_m", 0));
  geometry.block_n = static_cast<int32_t>(attribute_or<int64_t>(info, "block_n", 0));
  geometry.key_align = static_cast<int32_t>(attribute_or<int64_t>(info, "key_align", 0));
}

}  // namespace minference::ops
