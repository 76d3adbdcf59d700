// When an index is not worth building: everything in FLOPs of dense attention that take the same time.
#pragma once

#include <cstdint>

#include "minference/params.h"

namespace minference::cuda {

// Defaults are estimates for an H200; the measured ones of a device replace them (set_cost_model, before the first
// call).
struct CostModel {
  float sparse_tile = 1.15f;       // a sparse tile against a dense one
  double index_flop = 3;           // a FLOP of the last rows' estimate (twice: it runs over the keys twice)
  double pooled_flop = 15;         // a FLOP of the pooled scores, in float32
  double select_per_key = 16000;   // ranking columns and diagonals
  double select_per_score = 2000;  // ranking pooled scores
  double per_head = 2e9;           // launches and what else does not depend on lengths
  int64_t least_context = 0;       // shorter contexts are dense whatever the pattern: the measured crossover
};
const CostModel& cost_model();
void set_cost_model(const CostModel& model);

// One batch entry of a call.
struct Span {
  int64_t past, rows, window;
  int64_t total() const { return past + rows; }
};

// Tiles of dense attention.
int64_t dense_tiles(const Span& span, const KernelGeometry& geometry);

// Scores of pooled blocks that block_sparse ranks.
double pooled_scores(const Span& span);

// FLOPs of building the index of a pattern that does not cover the context, as SparseIndex::flops counts them.
double index_flops(const HeadPattern& pattern, const Span& span, int64_t head_dim);

// Whether dense attention is as fast whatever the index turns out to be.
bool surely_dense(const HeadPattern& pattern, const Span& span, const KernelGeometry& geometry, int64_t head_dim);

}  // namespace minference::cuda
