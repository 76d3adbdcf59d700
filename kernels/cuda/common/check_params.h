// Checks of the contract: those of every device, and this one's element types.
#pragma once

#include <stdexcept>
#include <string>

#include "../../shared/check_params.h"
#include "minference/params.h"

namespace minference::cuda {

inline void check_attention(AttentionParams params, bool with_patterns = true) {
  if (params.dtype != DataType::kFloat16 && params.dtype != DataType::kBFloat16) {
    throw std::invalid_argument("the CUDA kernels take float16 and bfloat16, found dtype " +
                                std::to_string(static_cast<int32_t>(params.dtype)));
  }
  params.dtype = DataType::kFloat16;
  contract::check_attention(params, with_patterns);
}

inline void check_rope_cache(RopeCacheParams params) {
  params.dtype = DataType::kFloat16;
  contract::check_rope_cache(params);
}

inline void check_probe(ProbeParams params) {
  check_attention(params.attention, false);
  params.attention.dtype = DataType::kFloat16;
  contract::check_probe(params);
}

}  // namespace minference::cuda
