// When an index is not worth building.
#pragma once

#include <cstdint>

#include "../../shared/call_span.h"
#include "minference/params.h"

namespace minference::cuda {

// The call's costs, or the defaults.
const CostModel& costs_of(const AttentionParams& params);

// Tiles of dense attention.
int64_t dense_tiles(const CallSpan& span, const KernelGeometry& geometry);

// FLOPs of building the index of a pattern that does not cover the context, as SparseIndex::flops counts them.
double index_flops(const HeadPattern& pattern, const CallSpan& span, int64_t head_dim);

// Whether dense attention is as fast whatever the index turns out to be.
bool surely_dense(const CostModel& costs, const HeadPattern& pattern, const CallSpan& span,
                  const KernelGeometry& geometry, int64_t head_dim);

}  // namespace minference::cuda
