// Other methods of choosing keys, for comparison: each builds explicit indices from the queries and keys of a call. One
// implementation for all devices, on the host; README.md says what follows the publications and what does not.
#pragma once

#include <vector>

#include "minference/params.h"

namespace minference::rivals {

// Whether `kind` is one of these methods.
bool is_rival(int32_t kind);

// Throws std::invalid_argument for parameters that the method does not take.
void check_rival(const HeadPattern& pattern);

// Builds the indices of all heads of rival kinds, appends them to `indices` and makes the heads explicit. `call`:
// queries and keys in host memory (values are not read), float32 or float16, one batch entry; its patterns and indices
// are not read. `patterns`: [num_heads].
void resolve(const AttentionParams& call, std::vector<HeadPattern>& patterns, std::vector<HeadIndex>& indices,
             const ParallelFor& parallel);

}  // namespace minference::rivals
