#include "plan_heads.h"

#include <algorithm>

#include "../../shared/fit_grid.h"
#include "../../shared/index_cost.h"
#include "../index/head_indexer.h"

namespace minference::cpu {
namespace {

const CostModel& costs_of(const AttentionParams& params) { return params.costs != nullptr ? *params.costs : kCpuCosts; }

double tile_flops(double tiles, int64_t head_dim) {
  return 4.0 * kBlockM * kKeyAlign * static_cast<double>(head_dim) * tiles;
}

// Tiles of row blocks that compute up to `keys` keys each of those their rows see.
double tiles_of(const CallSpan& span, int64_t keys) {
  double tiles = 0;
  for (int64_t block = 0; block < span.row_blocks(); ++block) {
    const int64_t seen = span.last(block) + 1 - span.low(span.first(block));
    tiles += static_cast<double>((std::min(seen, keys) + kKeyAlign - 1) / kKeyAlign);
  }
  return tiles;
}

double index_cost(const CostModel& costs, const CallSpan& span, const HeadPattern& pattern, int64_t head_dim) {
  const double total = static_cast<double>(span.total());
  switch (PatternKind{pattern.kind}) {
    case PatternKind::kVerticalSlash:
      return costs.per_head + costs.index_flop * last_rows_flops(span, head_dim) + costs.select_per_key * total +
             costs.pack_per_column * pattern.a;
    case PatternKind::kBlockSparse: {
      const double query_blocks = static_cast<double>(span.row_blocks());
      const double scores = query_blocks * (static_cast<double>(span.past) + total) / 2 / kPatternBlock;
      return costs.per_head +
             costs.pooled_flop * static_cast<double>(head_dim) * (static_cast<double>(span.rows) + total) +
             (2 * costs.pooled_flop * static_cast<double>(head_dim) + costs.select_per_score) * scores;
    }
    default:
      return 0;
  }
}

// About the fewest keys that a row block ends up with, where it sees that many: all slashes adjacent, all columns in
// them.
int64_t least_keys(const HeadPattern& pattern) {
  switch (PatternKind{pattern.kind}) {
    case PatternKind::kVerticalSlash:
      return std::max<int64_t>(pattern.a, pattern.b > 0 ? pattern.b + kBlockM - 1 : 0);
    case PatternKind::kBlockSparse:
      return int64_t{pattern.a} * kPatternBlock;
    case PatternKind::kExplicit:
      return 0;
    default:
      return std::max(pattern.a, pattern.b);
  }
}

}  // namespace

int64_t dense_tiles(const CallSpan& span) { return static_cast<int64_t>(tiles_of(span, span.total())); }

bool surely_dense(const HeadView& view, const HeadPattern& pattern) {
  const CallSpan span{view.past, view.rows, view.params->local_window};
  if (covers_context(pattern, span.total())) return true;
  if (pattern.flags & kNoFallback) return false;
  const CostModel& costs = costs_of(*view.params);
  if (span.total() < costs.least_context) return true;
  const double dense = tile_flops(tiles_of(span, span.total()), view.d());
  const double sparse = costs.sparse_tile * tile_flops(tiles_of(span, least_keys(pattern)), view.d());
  return sparse + index_cost(costs, span, pattern, view.d()) >= dense;
}

HeadPlan plan_head(const KernelTable& kernels, const HeadView& view, const HeadPattern& pattern, const PackedKv& kv) {
  HeadPlan dense;
  dense.pattern = pattern;
  dense.dense = true;
  if (surely_dense(view, pattern)) return dense;
  HeadPlan plan = HeadIndexer(kernels, view, kv).plan(pattern);
  if (pattern.flags & kNoFallback) return plan;
  // What the estimate cost is spent; from here on only the tiles decide.
  const CallSpan span{view.past, view.rows, view.params->local_window};
  const double sparse_tiles = static_cast<double>(count_cost(plan, span, view.d()).tiles);
  return costs_of(*view.params).sparse_tile * sparse_tiles < tiles_of(span, span.total()) ? std::move(plan) : dense;
}

}  // namespace minference::cpu
