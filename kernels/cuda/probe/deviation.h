// How far a sparse result is from the dense one, per head.
#pragma once

#include <vector>

#include "minference/cuda.h"

namespace minference::cuda {

// Sums over the rows of one head. |sparse - dense|² and |dense|², of all rows and of the last kLastQ; and of
// exp(lse_sparse - lse_dense), 1 where dense sees no key.
struct Deviation {
  double difference, norm, last_difference, last_norm, recall;
};

// Of one call with a batch of 1: outputs are [seqlen_q, num_heads, head_dim] of `params.dtype`, LSEs [num_heads,
// seqlen_q]; `params` names the dense ones. Waits for the device. Sums in a fixed order: the same bits every time.
std::vector<Deviation> measure_deviation(const AttentionParams& params, const void* sparse_out, const float* sparse_lse,
                                         const Context& context);

}  // namespace minference::cuda
