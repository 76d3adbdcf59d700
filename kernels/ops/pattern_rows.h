// Rows of head_patterns or candidates.
#pragma once

#include <vector>

#include "minference/pattern.h"
#include "ort.h"

namespace minference::ops {

// Input 12 of AttentionProbe, [num_candidates, 4], [1, num_candidates, 4] or [num_heads, num_candidates, 4], with fit
// flags.
struct Candidates {
  std::vector<HeadPattern> rows;
  int64_t count;
  bool per_head;
};
Candidates read_candidates(const Ort::KernelContext& context, int64_t num_heads);

// Input 12 of SparseAttention: one row per head, no fit flags.
std::vector<HeadPattern> read_head_patterns(const Ort::KernelContext& context, int64_t num_heads);

}  // namespace minference::ops
