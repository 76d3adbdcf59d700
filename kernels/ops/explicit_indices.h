// Inputs 13 - 16 of SparseAttention and SparseIndex: indices that the caller gives.
#pragma once

#include <vector>

#include "minference/params.h"
#include "ort.h"

namespace minference::ops {

// All indices of the call, one after the other; none where the node leaves the inputs out. With R row blocks of
// kPatternBlock rows, of the call's only batch entry:
//   13 range_offsets   int64 [indices * R + 1]
//   14 ranges          int32 [any, 2]
//   15 column_offsets  int64 [indices * R + 1], or [indices + 1]: the row blocks of an index share their columns
//   16 columns         int32 [any]
// Throws std::invalid_argument for shapes and offsets that do not fit; what the lists hold is the kernels' to check.
std::vector<HeadIndex> read_explicit_indices(const Ort::KernelContext& context, const AttentionParams& call);

// Names a call's patterns and indices, which must live as long as it, in its params.
inline void set_patterns(AttentionParams& call, const std::vector<HeadPattern>& patterns,
                         const std::vector<HeadIndex>& indices) {
  call.patterns = patterns.data();
  call.indices = indices.data();
  call.num_indices = static_cast<int64_t>(indices.size());
}

}  // namespace minference::ops
