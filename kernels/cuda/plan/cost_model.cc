#include "cost_model.h"

#include <algorithm>

#include "../../shared/fit_grid.h"
#include "../../shared/index_cost.h"

namespace minference::cuda {
namespace {

int64_t ceil_div(int64_t x, int64_t y) { return (x + y - 1) / y; }

// Tiles of row blocks that compute up to `keys` keys each of those their rows see.
int64_t tiles_of(const CallSpan& span, const KernelGeometry& geometry, int64_t keys) {
  int64_t tiles = 0;
  for (int64_t begin = 0; begin < span.rows; begin += geometry.block_m) {
    const int64_t end = std::min<int64_t>(begin + geometry.block_m, span.rows);
    const int64_t first_key = span.low(span.past + begin) / geometry.key_align * geometry.key_align;
    const int64_t seen = std::max<int64_t>(0, span.past + end - first_key);
    tiles += ceil_div(std::min(seen, keys), geometry.block_n);
  }
  return tiles;
}

// About the fewest keys that a row block ends up with, where it sees that many: all diagonals adjacent, all columns in
// them.
int64_t least_keys(const HeadPattern& pattern, const KernelGeometry& geometry) {
  switch (PatternKind{pattern.kind}) {
    case PatternKind::kVerticalSlash:
      return std::max<int64_t>(pattern.a, pattern.b > 0 ? pattern.b + geometry.block_m - 1 : 0);
    case PatternKind::kBlockSparse:
      return int64_t{pattern.a} * kPatternBlock;
    case PatternKind::kExplicit:
      return 0;
    default:
      return std::max(pattern.a, pattern.b);
  }
}

}  // namespace

const CostModel& costs_of(const AttentionParams& params) {
  return params.costs != nullptr ? *params.costs : kCudaCosts;
}

int64_t dense_tiles(const CallSpan& span, const KernelGeometry& geometry) {
  return tiles_of(span, geometry, span.total());
}

double index_flops(const HeadPattern& pattern, const CallSpan& span, int64_t head_dim) {
  switch (PatternKind{pattern.kind}) {
    case PatternKind::kVerticalSlash:
      return last_rows_flops(span, head_dim);
    case PatternKind::kBlockSparse:
      return pooled_flops(span, head_dim);
    default:
      return 0;
  }
}

bool surely_dense(const CostModel& costs, const HeadPattern& pattern, const CallSpan& span,
                  const KernelGeometry& geometry, int64_t head_dim) {
  if (covers_context(pattern, span.total())) return true;
  if ((pattern.flags & kNoFallback) != 0) return false;
  if (span.total() < costs.least_context) return true;
  const double tile = 4.0 * geometry.block_m * geometry.block_n * static_cast<double>(head_dim);
  double index = 0;
  if (PatternKind{pattern.kind} == PatternKind::kVerticalSlash) {
    index = costs.index_flop * index_flops(pattern, span, head_dim) +
            costs.select_per_key * static_cast<double>(span.total()) + costs.pack_per_column * pattern.a +
            costs.per_head;
  } else if (PatternKind{pattern.kind} == PatternKind::kBlockSparse) {
    index = costs.pooled_flop * index_flops(pattern, span, head_dim) + costs.select_per_score * pooled_scores(span) +
            costs.per_head;
  }
  const double sparse =
      costs.sparse_tile * tile * static_cast<double>(tiles_of(span, geometry, least_keys(pattern, geometry)));
  return sparse + index >= tile * static_cast<double>(dense_tiles(span, geometry));
}

}  // namespace minference::cuda
