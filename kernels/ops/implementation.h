// Choice between the reference and the optimized CPU kernels.
#pragma once

#include <vector>

#include "attention_attributes.h"
#include "attention_call.h"
#include "minference/cpu.h"

namespace minference::ops {

// The node's geometry, with the optimized kernel's for what it leaves at 0.
KernelGeometry reference_geometry(const AttentionAttributes& attributes, int64_t head_dim);
// The extra logits of a call on the host as float32, which must live as long as the call; names them in its params.
[[nodiscard]] std::vector<float> read_host_sink(AttentionCall& call);
void rope_and_cache(const AttentionAttributes& attributes, const RopeCacheParams& params, const ParallelFor& parallel);

}  // namespace minference::ops
