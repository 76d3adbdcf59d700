// Rows of head_patterns or candidates.
#pragma once

#include <vector>

#include "minference/pattern.h"
#include "ort.h"

namespace minference::ops {

// Reads and checks input 12. Fit flags are for AttentionProbe: `allow_fit`.
std::vector<HeadPattern> read_pattern_rows(const Ort::KernelContext& context, const char* name, bool allow_fit);

// head_patterns: one row per head, no fit flags.
std::vector<HeadPattern> read_head_patterns(const Ort::KernelContext& context, int64_t num_heads);

}  // namespace minference::ops
