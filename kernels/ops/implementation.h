// Choice between the reference and the optimized CPU kernels.
#pragma once

#include "attention_attributes.h"
#include "minference/cpu.h"

namespace minference::ops {

// The node's geometry, with the optimized kernel's for what it leaves at 0.
KernelGeometry reference_geometry(const AttentionAttributes& attributes, int64_t head_dim);
void rope_and_cache(const AttentionAttributes& attributes, const RopeCacheParams& params, const ParallelFor& parallel);

}  // namespace minference::ops
