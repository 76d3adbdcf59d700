#pragma once

#include "../simd/kernel_table.h"
#include "minference/params.h"

namespace minference::cpu {

// Few new rows over a long cache (decoding): packing the cache would cost more than attending to it. Rows of all query
// heads that share keys are computed together, panel by panel out of the cache, split over key ranges whose partial
// results are merged by their log-sum-exp. Takes dense and a_shape heads.
bool takes_direct_path(const AttentionParams& params);
void direct_attention(const KernelTable& kernels, const AttentionParams& params, const ParallelFor& parallel);

}  // namespace minference::cpu
