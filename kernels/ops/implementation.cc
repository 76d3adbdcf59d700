#include "implementation.h"

namespace minference::ops {

KernelGeometry reference_geometry(const AttentionAttributes& attributes, int64_t head_dim) {
  KernelGeometry geometry = cpu::optimized_geometry(head_dim);
  if (attributes.geometry.block_m > 0) geometry.block_m = attributes.geometry.block_m;
  if (attributes.geometry.block_n > 0) geometry.block_n = attributes.geometry.block_n;
  if (attributes.geometry.key_align > 0) geometry.key_align = attributes.geometry.key_align;
  geometry.columns_in_place = attributes.geometry.columns_in_place;
  return geometry;
}

std::vector<float> read_host_sink(AttentionCall& call) {
  std::vector<float> logits;
  for (int64_t h = 0; call.sink != nullptr && h < call.shape.num_heads; ++h) {
    logits.push_back(call.attention.dtype == DataType::kFloat32
                         ? static_cast<const float*>(call.sink)[h]
                         : static_cast<const Ort::Float16_t*>(call.sink)[h].ToFloat());
  }
  if (!logits.empty()) call.attention.head_sink = logits.data();
  return logits;
}

void rope_and_cache(const AttentionAttributes& attributes, const RopeCacheParams& params, const ParallelFor& parallel) {
  if (attributes.reference) {
    cpu::rope_and_cache_reference(params);
  } else {
    cpu::rope_and_cache_optimized(params, parallel);
  }
}

}  // namespace minference::ops
