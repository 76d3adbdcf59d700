#include "plan_heads.h"

#include <algorithm>

#include "../../index/head_indexer.h"

namespace minference::cpu {
namespace {

using index::CallSpan;
using index::kBlockM;
using index::kKeyAlign;

// Cost model of the fallback, in FLOPs of dense attention that take the same time. Measured on Zen 4 with AVX-512, the
// fastest dense kernel, for which an index is relatively dearest; kernels/cpu/README.md has the figures.
constexpr double kSparseTile = 1.04;      // a sparse tile against a dense one
constexpr double kIndexFlop = 2.0;        // a FLOP of the estimates
constexpr double kSelectPerKey = 4000;    // ranking columns and diagonals, per key
constexpr double kSelectPerScore = 400;   // ranking pooled scores, each
constexpr double kPackPerColumn = 10000;  // gathering one column

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

double index_cost(const CallSpan& span, const HeadPattern& pattern, int64_t head_dim) {
  const double total = static_cast<double>(span.total());
  switch (PatternKind{pattern.kind}) {
    case PatternKind::kVerticalSlash:
      return kIndexFlop * index::last_rows_flops(span, head_dim) + kSelectPerKey * total + kPackPerColumn * pattern.a;
    case PatternKind::kBlockSparse: {
      const double query_blocks = static_cast<double>(span.row_blocks());
      const double scores = query_blocks * (static_cast<double>(span.past) + total) / 2 / kPatternBlock;
      return kIndexFlop * static_cast<double>(head_dim) * (static_cast<double>(span.rows) + total) +
             (2 * kIndexFlop * static_cast<double>(head_dim) + kSelectPerScore) * scores;
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
    default:
      return std::max(pattern.a, pattern.b);
  }
}

}  // namespace

bool surely_dense(const HeadView& view, const HeadPattern& pattern) {
  const CallSpan span{view.past, view.rows, view.params->local_window};
  if (index::covers_context(pattern, span)) return true;
  if (pattern.flags & kNoFallback) return false;
  const double dense = tile_flops(tiles_of(span, span.total()), view.d());
  const double sparse = kSparseTile * tile_flops(tiles_of(span, least_keys(pattern)), view.d());
  return sparse + index_cost(span, pattern, view.d()) >= dense;
}

index::HeadPlan plan_head(const KernelTable& kernels, const HeadView& view, const HeadPattern& pattern,
                          const PackedKv& kv) {
  index::HeadPlan dense;
  dense.pattern = pattern;
  dense.dense = true;
  if (surely_dense(view, pattern)) return dense;
  index::HeadPlan plan = index::HeadIndexer(kernels, view, kv).plan(pattern);
  if (pattern.flags & kNoFallback) return plan;
  // What the estimate cost is spent; from here on only the tiles decide.
  const CallSpan span{view.past, view.rows, view.params->local_window};
  const double sparse_tiles = static_cast<double>(index::count_cost(plan, span, view.d()).tiles);
  return kSparseTile * sparse_tiles < tiles_of(span, span.total()) ? std::move(plan) : dense;
}

}  // namespace minference::cpu
