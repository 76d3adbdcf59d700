// Dense attention of a few query rows over a long cache: one read of K and V for all query heads that share them.
#pragma once

#include "minference/cuda.h"

namespace minference::cuda {

// Few enough rows that the cache's bandwidth decides, and a head size and alignment that these kernels have.
bool is_decode(const AttentionParams& params);

// All heads dense, whatever `params.patterns` says. Two launches: parts of the keys, then their merge.
void decode(const AttentionParams& params, const Context& context);

}  // namespace minference::cuda
