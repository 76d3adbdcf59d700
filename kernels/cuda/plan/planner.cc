#include "planner.h"

#include <algorithm>

#include "../common/check.h"
#include "blocks.h"
#include "columns.h"
#include "count.h"
#include "explicit_lists.h"
#include "lists.h"
#include "upload.h"

namespace minference::cuda {

Planner::Planner(const AttentionParams& params, const KernelGeometry& geometry, const Context& context, bool keep)
    : shape_(params, geometry), context_(context), last_rows_(shape_, context, keep), pooled_(shape_, context, keep) {}

void Planner::prepare(PatternKind kind) {
  if (kind == PatternKind::kVerticalSlash) last_rows_.prepare();
  if (kind == PatternKind::kBlockSparse) pooled_.prepare();
}

int64_t Planner::all_dense_tiles() const {
  int64_t tiles = 0;
  for (int64_t h = 0; h < shape_.heads(); ++h) tiles += dense_tiles(shape_.span(h), shape_.geometry());
  return tiles;
}

Plans Planner::plan(const HeadPattern* patterns) {
  const AttentionParams& params = shape_.params();
  std::vector<Job> jobs;
  int64_t most_row_blocks = 0, most_columns = 0;
  for (int64_t h = 0; h < shape_.heads(); ++h) {
    jobs.push_back(shape_.make_job(patterns[h % params.shape.num_heads], h));
    const Job& job = jobs.back();
    if (is(job, PatternKind::kVerticalSlash)) {
      most_columns = std::max<int64_t>(most_columns, std::min<int64_t>(job.pattern.a, shape_.longest()));
    }
    if (!is(job, PatternKind::kDense)) most_row_blocks = std::max(most_row_blocks, shape_.row_blocks(job));
  }
  const auto count = static_cast<int64_t>(jobs.size());
  Plans result;
  if (count == 0) return result;
  place_lists(shape_, jobs, context_);
  place_indices(shape_, jobs, context_);
  result.columns = columns_.place(shape_, jobs, context_);
  const auto list_waves = last_rows_.point(jobs);
  const auto block_waves = pooled_.point(jobs);
  const int64_t strip = pooled_.allocate_scores(jobs);
  const Job* device = upload(jobs, context_);
  for (const LastRowsEstimates::Wave& wave : list_waves) {
    last_rows_.run(wave.slots);
    select_lists(device + wave.begin, wave.end - wave.begin, context_);
  }
  for (const PooledEstimates::Wave& wave : block_waves) {
    pooled_.run(wave.slots);
    select_blocks(shape_.call(), device + wave.begin, wave.end - wave.begin, pattern_blocks(shape_.most_rows()),
                  pattern_blocks(shape_.longest()), strip, context_);
  }
  auto* plans = static_cast<DevicePlan*>(context_.allocate(count * sizeof(DevicePlan)));
  make_plans(shape_.call(), device, count, plans, context_);
  count_tiles(shape_.call(), device, plans, count, most_row_blocks, context_);
  fall_back(device, plans, count, static_cast<float>(costs_of(params).sparse_tile), context_);
  gather_columns(shape_.call(), params.v, plans, count, most_columns, result.columns, context_);
  result.plans = plans;
  const int64_t item_rows = int64_t{shape_.geometry().block_m} * shape_.geometry().blocks_per_item;
  const int64_t items = (params.shape.seqlen_q + item_rows - 1) / item_rows;  // of the padded call, per head
  result.schedule = make_schedule(shape_.call(), device, plans, params.shape.batch, items, context_);
  return result;
}

std::vector<PlanCost> Planner::costs(const Plans& plans, const HeadPattern* patterns) const {
  std::vector<DevicePlan> host(shape_.heads());
  if (host.empty()) return {};
  check(cudaMemcpyAsync(host.data(), plans.plans, host.size() * sizeof(DevicePlan), cudaMemcpyDeviceToHost,
                        context_.stream),
        "reading the plans");
  check(cudaStreamSynchronize(context_.stream), "reading the plans");
  std::vector<PlanCost> costs;
  for (size_t h = 0; h < host.size(); ++h) {
    const bool dense = host[h].kind == static_cast<int32_t>(PatternKind::kDense);
    const HeadPattern& pattern = patterns[h % shape_.params().shape.num_heads];
    const double index = dense ? 0 : index_flops(pattern, shape_.span(h), shape_.head_dim());
    costs.push_back({dense, host[h].tiles, index + shape_.tile_flops() * static_cast<double>(host[h].tiles)});
  }
  return costs;
}

}  // namespace minference::cuda
