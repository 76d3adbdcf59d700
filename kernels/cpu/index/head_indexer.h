#pragma once

#include <optional>

#include "../operands/head_view.h"
#include "../operands/packed_kv.h"
#include "head_plan.h"
#include "pooled_blocks.h"
#include "select_top.h"

namespace minference::cpu {

// Builds the plans of one head. Estimates are computed at the first pattern that needs them and kept for the next ones.
class HeadIndexer {
 public:
  HeadIndexer(const KernelTable& kernels, const HeadView& view, const PackedKv& kv);

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

  const KernelTable& kernels_;
  HeadView view_;
  const PackedKv& kv_;
  CallSpan span_;
  std::optional<Ranking> columns_, slashes_;
  std::optional<PooledBlocks> blocks_;
  double last_rows_microseconds_ = 0, blocks_microseconds_ = 0;
};

}  // namespace minference::cpu
