#include "head_indexer.h"

#include <algorithm>
#include <chrono>

#include "last_q_estimate.h"

namespace minference::index {
namespace {

using Clock = std::chrono::steady_clock;

double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

// The sizes that fitting tries, from the smallest to the first that covers the context.
class FitGrid {
 public:
  FitGrid(const HeadPattern& candidate, int64_t total) : candidate_(candidate) {
    const bool fit_a = candidate.flags & kFitA, fit_b = candidate.flags & kFitB;
    const PatternKind kind{candidate.kind};
    if (kind == PatternKind::kBlockSparse) {
      if (fit_a) mode_ = Mode::kBlocks;
      steps_ = fit_a ? std::max<int64_t>(1, (total + kPatternBlock - 1) / kPatternBlock) : 1;
      return;
    }
    if (kind == PatternKind::kDense || (!fit_a && !fit_b)) return;
    mode_ = fit_a && fit_b ? Mode::kBoth : Mode::kOne;
    a_leads_ = fit_a && (!fit_b || candidate.a >= candidate.b);
    lead_ = a_leads_ ? candidate.a : candidate.b;
    other_ = a_leads_ ? candidate.b : candidate.a;
    const int64_t smallest = lead_ % kFitStep;
    steps_ = total <= smallest ? 1 : (total - smallest + kFitStep - 1) / kFitStep + 1;
  }

  int64_t steps() const { return steps_; }

  HeadPattern at(int64_t step) const {
    HeadPattern pattern = candidate_;
    if (mode_ == Mode::kBlocks) pattern.a = static_cast<int32_t>(step + 1);
    if (mode_ == Mode::kFixed || mode_ == Mode::kBlocks) return pattern;
    const int64_t lead = lead_ % kFitStep + step * kFitStep;
    int64_t other = other_;
    if (mode_ == Mode::kBoth) other = lead_ == 0 ? lead : (2 * lead * other_ + lead_) / (2 * lead_);
    (a_leads_ ? pattern.a : pattern.b) = static_cast<int32_t>(lead);
    (a_leads_ ? pattern.b : pattern.a) = static_cast<int32_t>(other);
    return pattern;
  }

 private:
  enum class Mode { kFixed, kOne, kBoth, kBlocks };
  HeadPattern candidate_;
  Mode mode_ = Mode::kFixed;
  bool a_leads_ = false;
  int64_t lead_ = 0, other_ = 0, steps_ = 1;
};

}  // namespace

HeadIndexer::HeadIndexer(const cpu::KernelTable& kernels, const cpu::HeadView& view, const cpu::PackedKv& kv)
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
  plan.dense = covers_context(pattern, span_);
  if (plan.dense) return plan;
  if (PatternKind{pattern.kind} == PatternKind::kVerticalSlash) {
    estimate_last_rows();
    plan.columns = columns_->top(pattern.a);
    plan.slashes = slashes_->top(pattern.b);
    plan.index_flops = last_rows_flops(span_, view_.d());
  }
  if (PatternKind{pattern.kind} == PatternKind::kBlockSparse) {
    pool_blocks();
    blocks_->select(pattern.a, plan);
    plan.index_flops = blocks_->flops();
  }
  return plan;
}

HeadPlan HeadIndexer::fit(const HeadPattern& candidate, double budget_flops) {
  const FitGrid grid(candidate, span_.total());
  if (grid.steps() == 1) return plan(grid.at(0));
  if (PatternKind{candidate.kind} == PatternKind::kVerticalSlash) {
    estimate_last_rows();
    columns_->sort();
    slashes_->sort();
  }
  const auto affordable = [&](const HeadPlan& plan) {
    return count_cost(plan, span_, view_.d()).flops <= budget_flops;
  };
  HeadPlan best = plan(grid.at(grid.steps() - 1));
  if (affordable(best)) return best;
  best = plan(grid.at(0));
  for (int64_t low = 0, high = grid.steps() - 1; high - low > 1;) {
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

}  // namespace minference::index
