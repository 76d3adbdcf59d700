#pragma once

#include <optional>

#include "../cpu/optimized/head_view.h"
#include "../cpu/optimized/packed_kv.h"
#include "head_plan.h"
#include "pooled_blocks.h"
#include "select_top.h"

namespace minference::index {

// Builds the plans of one head. Estimates are computed at the first pattern that needs them and kept for the next ones.
class HeadIndexer {
 public:
  HeadIndexer(const cpu::KernelTable& kernels, const cpu::HeadView& view, const cpu::PackedKv& kv);

  HeadPlan plan(const HeadPattern& pattern);

  // The candidate's plan with `a` and/or `b`, as its fit flags say, at the largest sizes on their grid whose cost is
  // within `budget_flops` (the smallest, if none is); HeadPattern describes the grid. Cost grows with size, since a
  // tile is as wide as the rounding of ranges, except for the step to dense, which needs no index: so it is tried first
  // and the rest is a bisection.
  HeadPlan fit(const HeadPattern& candidate, double budget_flops);

  // Microseconds spent on the estimate that `kind` needs.
  double estimate_microseconds(PatternKind kind) const;

 private:
  void estimate_last_rows();
  void pool_blocks();

  const cpu::KernelTable& kernels_;
  cpu::HeadView view_;
  const cpu::PackedKv& kv_;
  CallSpan span_;
  std::optional<Ranking> columns_, slashes_;
  std::optional<PooledBlocks> blocks_;
  double last_rows_microseconds_ = 0, blocks_microseconds_ = 0;
};

// FLOPs of building the index of a vertical_slash head: 2·head_dim for each score of the last kLastQ rows. Selection
// and merging are not counted.
inline double last_rows_flops(const CallSpan& span, int64_t head_dim) {
  const int64_t rows = span.rows < kLastQ ? span.rows : kLastQ;
  return 2.0 * static_cast<double>(head_dim) * static_cast<double>(rows) * static_cast<double>(span.total());
}

}  // namespace minference::index
