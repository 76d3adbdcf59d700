#include "common/launch.cuh"
#include "lists.h"
#include "score_select.cuh"

namespace minference::cuda {
namespace {

constexpr int kMergeThreads = 1024;

__device__ inline int32_t at_most(int32_t x, int32_t y) { return x < y ? x : y; }

// grid: (jobs, columns and slashes)
__global__ void __launch_bounds__(kScoreThreads) select_kernel(const Job* jobs) {
  auto& shared = *reinterpret_cast<ScoreSelect::Shared*>(dynamic_shared());
  const Job job = jobs[blockIdx.x];
  if (job.pattern.kind != static_cast<int32_t>(PatternKind::kVerticalSlash)) return;
  const bool columns = blockIdx.y == 0;
  int32_t* chosen = columns ? job.columns : job.slashes;
  const int32_t n = job.past + job.rows, count = at_most(columns ? job.pattern.a : job.pattern.b, n);
  if (count == n) {
    for (int32_t i = threadIdx.x; i < n; i += kScoreThreads) chosen[i] = i;
  } else if (count > 0) {
    ScoreSelect select(columns ? job.column_scores : job.slash_scores, n, columns ? kForcedColumns : kForcedSlashes,
                       shared);
    select.run(count, chosen);
  }
}

// Runs of slashes whose key ranges touch in blocks of `rows` rows; returns their number.
__device__ inline int32_t merge(const int32_t* slashes, int32_t count, int32_t rows, DiagonalRun* runs,
                                int32_t* warp_sums) {
  int32_t merged = 0;
  for (int32_t base = 0; base < count; base += kMergeThreads) {
    const int32_t i = base + static_cast<int32_t>(threadIdx.x);
    const bool valid = i < count;
    const int32_t slash = valid ? slashes[i] : 0;
    const bool starts = valid && (i == 0 || slash - slashes[i - 1] > rows);
    const bool ends = valid && (i == count - 1 || slashes[i + 1] - slash > rows);
    int total;
    const int before = block_exclusive_sum<kMergeThreads>(starts, warp_sums, total);
    const int32_t run = merged + before + starts - 1;  // that this slash belongs to
    if (starts) runs[run].first = slash;
    if (ends) runs[run].last = slash;
    merged += total;
  }
  return merged;
}

// grid: jobs
__global__ void __launch_bounds__(kMergeThreads) make_plans_kernel(PlanCall call, const Job* jobs, DevicePlan* plans) {
  __shared__ int32_t warp_sums[kMergeThreads / 32];
  const Job job = jobs[blockIdx.x];
  DevicePlan plan{};
  plan.kind = job.pattern.kind;
  plan.runs = job.runs;
  plan.last_runs = job.runs;
  plan.columns = job.columns;
  plan.key_blocks = job.key_blocks;
  plan.block_counts = job.block_counts;
  plan.blocks_stride = job.blocks_stride;
  switch (static_cast<PatternKind>(job.pattern.kind)) {
    case PatternKind::kDense:
      plan.num_runs = plan.num_last_runs = 1;
      if (threadIdx.x == 0) job.runs[0] = {0, INT32_MAX};
      break;
    case PatternKind::kAShape:
      plan.prefix = job.pattern.a;
      plan.num_runs = plan.num_last_runs = job.pattern.b > 0 ? 1 : 0;
      if (threadIdx.x == 0 && job.pattern.b > 0) job.runs[0] = {0, job.pattern.b - 1};
      break;
    case PatternKind::kVerticalSlash: {
      const int32_t n = job.past + job.rows, count = at_most(job.pattern.b, n), rest = job.rows % call.block_m;
      plan.num_columns = at_most(job.pattern.a, n);
      plan.column_row = job.column_row;
      plan.num_runs = plan.num_last_runs = merge(job.slashes, count, call.block_m, job.runs, warp_sums);
      if (rest != 0) {
        plan.num_last_runs = merge(job.slashes, count, rest, job.last_runs, warp_sums);
        plan.last_runs = job.last_runs;
      }
      break;
    }
    case PatternKind::kBlockSparse:
      break;
    case PatternKind::kExplicit:
      plan.columns = job.given_columns;
      plan.ranges = job.ranges;
      plan.range_offsets = job.range_offsets;
      plan.column_offsets = job.column_offsets;
      break;
  }
  if (threadIdx.x == 0) plans[blockIdx.x] = plan;
}

}  // namespace

void select_lists(const Job* jobs, int64_t count, const Context& context) {
  if (count == 0) return;
  launch(select_kernel, dim3(static_cast<unsigned>(count), 2), dim3(kScoreThreads), sizeof(ScoreSelect::Shared),
         context.stream, jobs);
}

void make_plans(const PlanCall& call, const Job* jobs, int64_t count, DevicePlan* plans, const Context& context) {
  if (count == 0) return;
  launch(make_plans_kernel, dim3(static_cast<unsigned>(count)), dim3(kMergeThreads), 0, context.stream, call, jobs,
         plans);
}

}  // namespace minference::cuda
