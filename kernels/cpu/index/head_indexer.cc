#include "head_indexer.h"

#include <algorithm>
#include <chrono>

#include "../../shared/fit_grid.h"
#include "../../shared/index_cost.h"
#include "last_q_estimate.h"

namespace minference::cpu {
namespace {

using Clock = std::chrono::steady_clock;

double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

}  // namespace

HeadIndexer::HeadIndexer(const KernelTable& kernels, const HeadView& view, const PackedKv& kv)
    : kernels_(kernels), view_(view), kv_(kv), span_{view.past, view.rows, view.params->local_window} {}

void HeadIndexer::estimate_last_rows() {
  if (columns_.has_value()) return;
  const Clock::time_point start = Clock::now();
  const LastQEstimate estimate = estimate_last_q(kernels_, view_, kv_);
  columns_.emplace(estimate.columns.data(), view_.total, kForcedColumns);
  slashes_.emplace(estimate.slashes.data(), view_.total, kForcedSlashes);
  last_rows_microseconds_ = microseconds_since(start);
}

void HeadIndexer::pool_blocks() {
  if (blocks_.has_value()) return;
  const Clock::time_point start = Clock::now();
  blocks_.emplace(kernels_, view_);
  blocks_microseconds_ = microseconds_since(start);
}

HeadPlan HeadIndexer::plan(const HeadPattern& pattern) {
  HeadPlan plan;
  plan.pattern = pattern;
  plan.dense = covers_context(pattern, span_.total());
  if (plan.dense) return plan;
  if (PatternKind{pattern.kind} == PatternKind::kVerticalSlash) {
    estimate_last_rows();
    plan.columns = columns_->top(pattern.a);
    plan.slashes = slashes_->top(pattern.b);
    plan.index_flops = last_rows_flops(span_, view_.d());
  }
  if (PatternKind{pattern.kind} == PatternKind::kExplicit) {
    plan.given = view_.params->indices + pattern.a;
    if (plan.given->shares_columns()) plan.columns = plan.given->columns;
  }
  if (PatternKind{pattern.kind} == PatternKind::kBlockSparse) {
    pool_blocks();
    blocks_->select(pattern.a, plan);
    plan.index_flops = pooled_flops(span_, view_.d());
  }
  return plan;
}

HeadPlan HeadIndexer::fit(const HeadPattern& candidate, double budget_flops) {
  const FitGrid grid(candidate, span_.total());
  if (grid.steps == 1) return plan(grid.at(0));
  if (PatternKind{candidate.kind} == PatternKind::kVerticalSlash) {
    estimate_last_rows();
    columns_->sort();
    slashes_->sort();
  }
  const auto affordable = [&](const HeadPlan& plan) {
    return count_cost(plan, span_, view_.d()).flops <= budget_flops;
  };
  HeadPlan best = plan(grid.at(grid.steps - 1));
  if (affordable(best)) return best;
  best = plan(grid.at(0));
  for (int64_t low = 0, high = grid.steps - 1; high - low > 1;) {
    const int64_t middle = low + (high - low) / 2;
    HeadPlan larger = plan(grid.at(middle));
    if (affordable(larger)) {
      best = std::move(larger);
      low = middle;
    } else {
      high = middle;
    }
  }
  return best;
}

double HeadIndexer::estimate_microseconds(PatternKind kind) const {
  if (kind == PatternKind::kVerticalSlash) return last_rows_microseconds_;
  return kind == PatternKind::kBlockSparse ? blocks_microseconds_ : 0;
}

}  // namespace minference::cpu
