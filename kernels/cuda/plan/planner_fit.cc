#include <algorithm>

#include "../common/check.h"
#include "blocks.h"
#include "count.h"
#include "fit.h"
#include "lists.h"
#include "planner.h"
#include "upload.h"

namespace minference::cuda {
namespace {

constexpr size_t kChunkBytes = size_t{256} << 20;  // of lists at a time

}  // namespace

std::vector<HeadPattern> Planner::fit(const ProbeParams& probe) {
  const int64_t heads = shape_.params().shape.num_heads, count = probe.num_candidates;
  const auto candidate_of = [&](int64_t i) -> const HeadPattern& { return probe.candidate(i / count, i % count); };
  const CallSpan own = shape_.span(0);
  const bool dense_fits =
      shape_.tile_flops() * static_cast<double>(dense_tiles(own, shape_.geometry())) <= probe.budget_flops;
  std::vector<HeadPattern> fitted(heads * count);
  if (own.rows == 0) {  // nothing to pay
    for (int64_t i = 0; i < heads * count; ++i) fitted[i] = candidate_of(i);
    return fitted;
  }
  // Per kind, what has to be searched: [head * count + candidate].
  std::vector<int64_t> searched[4];
  for (int64_t i = 0; i < heads * count; ++i) {
    const HeadPattern& candidate = candidate_of(i);
    const FitGrid grid(candidate, own.total());
    fitted[i] = grid.at(dense_fits ? grid.steps - 1 : 0);
    if (!dense_fits && grid.steps > 2) searched[candidate.kind].push_back(i);
  }
  for (const std::vector<int64_t>& all : searched) {
    if (all.empty()) continue;
    const auto kind = static_cast<PatternKind>(candidate_of(all[0]).kind);
    const int64_t row_blocks = (own.rows + shape_.geometry().block_m - 1) / shape_.geometry().block_m;
    // Lists as long as the context: what is tried is not known here.
    const size_t lists = kind == PatternKind::kVerticalSlash ? own.total() * 24
                         : kind == PatternKind::kBlockSparse ? row_blocks * pattern_blocks(own.total()) * 2
                                                             : 0;
    const auto at_once = std::max<size_t>(1, kChunkBytes / (lists + 1024));
    std::vector<Job> jobs;
    for (size_t i = 0; i < std::min(at_once, all.size()); ++i) {
      Job job = shape_.make_job({static_cast<int32_t>(PatternKind::kDense), 0, 0, kNoFallback}, all[i] / count);
      const auto total = static_cast<int32_t>(own.total());
      job.pattern = {static_cast<int32_t>(kind), total, total, kNoFallback};
      jobs.push_back(job);
    }
    place_lists(shape_, jobs, context_);
    for (size_t first = 0; first < all.size(); first += jobs.size()) {
      const size_t end = std::min(all.size(), first + jobs.size());
      const std::vector<int64_t> which(all.begin() + first, all.begin() + end);
      std::vector<Job> chunk(jobs.begin(), jobs.begin() + (end - first));
      for (size_t i = 0; i < chunk.size(); ++i) chunk[i].head = static_cast<int32_t>(which[i] / count);
      fit_chunk(std::move(chunk), probe, which, fitted);
    }
  }
  return fitted;
}

void Planner::fit_chunk(std::vector<Job> jobs, const ProbeParams& probe, const std::vector<int64_t>& which,
                        std::vector<HeadPattern>& fitted) {
  const auto count = static_cast<int64_t>(jobs.size());
  const CallSpan own = shape_.span(0);
  const auto kind = static_cast<PatternKind>(jobs[0].pattern.kind);
  last_rows_.point(jobs);
  pooled_.point(jobs);
  const int64_t strip = pooled_.allocate_scores(jobs);
  std::vector<FitState> states;
  int64_t most_steps = 0;
  for (const int64_t i : which) {
    const HeadPattern& candidate = probe.candidate(i / probe.num_candidates, i % probe.num_candidates);
    const FitGrid grid(candidate, own.total());
    states.push_back({grid, 0, grid.steps - 1, index_flops(candidate, own, shape_.head_dim())});
    most_steps = std::max(most_steps, grid.steps - 1);
  }
  Job* device_jobs = upload(jobs, context_);
  FitState* device_states = upload(states, context_);
  auto* plans = static_cast<DevicePlan*>(context_.allocate(count * sizeof(DevicePlan)));
  for (int64_t left = most_steps; left > 1; left = (left + 1) / 2) {
    try_sizes(device_jobs, device_states, count, context_);
    if (kind == PatternKind::kVerticalSlash) select_lists(device_jobs, count, context_);
    if (kind == PatternKind::kBlockSparse) {
      select_blocks(shape_.call(), device_jobs, count, pattern_blocks(own.rows), pattern_blocks(own.total()), strip,
                    context_);
    }
    make_plans(shape_.call(), device_jobs, count, plans, context_);
    count_tiles(shape_.call(), device_jobs, plans, count, shape_.row_blocks(jobs[0]), context_);
    judge_sizes(device_jobs, plans, device_states, count, shape_.tile_flops(), probe.budget_flops, context_);
  }
  check(cudaMemcpyAsync(states.data(), device_states, states.size() * sizeof(FitState), cudaMemcpyDeviceToHost,
                        context_.stream),
        "reading the fitted sizes");
  check(cudaStreamSynchronize(context_.stream), "reading the fitted sizes");
  for (int64_t i = 0; i < count; ++i) fitted[which[i]] = states[i].grid.at(states[i].low);
}

}  // namespace minference::cuda
