// Limits of the launch contract, checked once at every entry point: std::invalid_argument says what was expected.
#pragma once

#include "minference/params.h"

namespace minference::contract {

// Of a candidate, or of a head.
void check_pattern(const HeadPattern& pattern, PatternKind last_kind = PatternKind::kBlockSparse);
void check_geometry(const KernelGeometry& geometry);
// `with_patterns`: params.patterns holds one valid row per head.
void check_attention(const AttentionParams& params, bool with_patterns);
void check_rope_cache(const RopeCacheParams& params);
void check_probe(const ProbeParams& params);
void check_head(const AttentionParams& params, int64_t batch, int64_t head);

}  // namespace minference::contract
