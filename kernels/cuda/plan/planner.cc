#include "planner.h"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "../common/check.h"
#include "arena.h"
#include "blocks.h"
#include "columns.h"
#include "count.h"
#include "estimate.h"
#include "fit_grid.h"
#include "lists.h"
#include "upload.h"

namespace minference::cuda {
namespace {

constexpr size_t kWaveBytes = size_t{96} << 20;  // of estimates at a time
constexpr int64_t kStrip = 128;                  // query blocks, whatever block_m
constexpr int64_t kMostKeyBlocks = 1 << 16;      // they are numbered in 16 bits

int64_t blocks_of(int64_t rows) { return (rows + kPatternBlock - 1) / kPatternBlock; }
bool is(const Job& job, PatternKind kind) { return job.pattern.kind == static_cast<int32_t>(kind); }
int64_t count_of(const std::vector<Job>& jobs, PatternKind kind) {
  return std::count_if(jobs.begin(), jobs.end(), [=](const Job& job) { return is(job, kind); });
}

}  // namespace

Planner::Planner(const AttentionParams& params, const KernelGeometry& geometry, const Context& context, bool keep)
    : params_(params), geometry_(geometry), context_(context), keep_(keep) {
  const AttentionShape& shape = params.shape;
  call_.q = params.q;
  call_.k = params.k;
  call_.head_sink = params.head_sink;
  call_.q_stride_batch = params.q_stride_batch;
  call_.q_stride_seq = params.q_stride_seq;
  call_.q_stride_head = params.q_stride_head;
  call_.capacity = shape.capacity;
  call_.window = params.local_window;
  call_.num_heads = static_cast<int32_t>(shape.num_heads);
  call_.num_kv_heads = static_cast<int32_t>(shape.num_kv_heads);
  call_.head_dim = static_cast<int32_t>(shape.head_dim);
  call_.block_m = geometry.block_m;
  call_.block_n = geometry.block_n;
  call_.key_align = geometry.key_align;
  call_.blocks_per_item = geometry.blocks_per_item;
  call_.columns_in_place = geometry.columns_in_place;
  if (geometry.columns_in_place && geometry.block_n != kGranule) {
    throw std::invalid_argument("columns in place are taken in granules");
  }
  call_.sm_scale = params.sm_scale;
  call_.softcap = params.softcap;
  for (int64_t b = 0; b < shape.batch; ++b) {
    longest_ = std::max<int64_t>(longest_, int64_t{params.past_lens[b]} + params.new_lens[b]);
    most_rows_ = std::max<int64_t>(most_rows_, params.new_lens[b]);
  }
  longest_ = (longest_ + 31) / 32 * 32;
}

Span Planner::span(int64_t head) const {
  const int64_t b = head / params_.shape.num_heads;
  return {params_.past_lens[b], params_.new_lens[b], params_.local_window};
}

int64_t Planner::kv_head(int64_t head) const {
  return head / (params_.shape.num_heads / params_.shape.num_kv_heads);  // batch * num_kv_heads + kv head
}

int64_t Planner::row_blocks(const Job& job) const {
  return (int64_t{job.rows} + geometry_.block_m - 1) / geometry_.block_m;
}

Job Planner::make_job(const HeadPattern& pattern, int64_t head) const {
  const Span own = span(head);
  Job job{};
  job.pattern = pattern;
  job.head = static_cast<int32_t>(head);
  job.past = static_cast<int32_t>(own.past);
  job.rows = static_cast<int32_t>(own.rows);
  job.dense_tiles = dense_tiles(own, geometry_);
  if (own.rows == 0 || surely_dense(costs_of(params_), pattern, own, geometry_, params_.shape.head_dim)) {
    job.pattern.kind = static_cast<int32_t>(PatternKind::kDense);
  }
  if (is(job, PatternKind::kBlockSparse) && blocks_of(own.total()) > kMostKeyBlocks) {
    throw std::invalid_argument("block_sparse takes contexts of up to 4,194,304 keys");
  }
  return job;
}

// A query block holds positions of at most two key blocks, which it keeps whatever `a` is.
int64_t Planner::blocks_stride(const Job& job) const {
  return std::min<int64_t>(blocks_of(int64_t{job.past} + job.rows),
                           geometry_.block_m / kPatternBlock * std::max<int64_t>(job.pattern.a, 2));
}

void Planner::place_lists(std::vector<Job>& jobs) const {
  Arena arena;
  for (Job& job : jobs) {
    const int64_t total = int64_t{job.past} + job.rows;
    if (!is(job, PatternKind::kDense)) arena.add(job.block_tiles, row_blocks(job));
    if (is(job, PatternKind::kVerticalSlash)) {
      const int64_t slashes = std::min<int64_t>(job.pattern.b, total);
      arena.add(job.columns, std::min<int64_t>(job.pattern.a, total));
      arena.add(job.slashes, slashes);
      arena.add(job.runs, std::max<int64_t>(1, slashes));
      arena.add(job.last_runs, slashes);
    } else {
      arena.add(job.runs, 1);  // dense and a_shape: their run; dense after the fallback
    }
    if (is(job, PatternKind::kBlockSparse)) {
      job.blocks_stride = static_cast<int32_t>(blocks_stride(job));
      arena.add(job.key_blocks, row_blocks(job) * job.blocks_stride);
      arena.add(job.block_counts, row_blocks(job));
    }
  }
  arena.allocate(context_);
}

// Each head's part of the gathered columns. Plans of one call are used one after the other, so that they can share the
// memory; it at least doubles when it grows.
GatheredColumns Planner::place_columns(std::vector<Job>& jobs) {
  if (!geometry_.columns_in_place) return {};
  int64_t rows = 0;
  for (Job& job : jobs) {
    if (!is(job, PatternKind::kVerticalSlash)) continue;
    job.column_row = static_cast<int32_t>(rows);
    rows += granule_rows(std::min<int64_t>(job.pattern.a, int64_t{job.past} + job.rows));
  }
  if (rows > columns_.rows) {
    columns_.rows = std::max(rows, 2 * columns_.rows);
    uint16_t *keys, *values;
    Arena arena;
    arena.add(keys, columns_.rows * params_.shape.head_dim);
    arena.add(values, columns_.rows * params_.shape.head_dim);
    arena.allocate(context_);
    columns_.keys = keys;
    columns_.values = values;
  }
  return {columns_.keys, columns_.values, rows};
}

Planner::LastRows Planner::allocate_last_rows(int64_t heads) const {
  LastRows memory;
  Arena arena;
  arena.add(memory.sums, heads * 2 * longest_);
  arena.add(memory.partial, heads * estimate_segments(longest_) * kLastQ);
  arena.allocate(context_);
  memory.count = heads;
  return memory;
}

EstimateSlot Planner::estimate_slot(const LastRows& memory, int64_t slot, int64_t head) const {
  const Span own = span(head);
  float* sums = memory.sums + slot * 2 * longest_;
  return {static_cast<int32_t>(head),
          static_cast<int32_t>(own.past),
          static_cast<int32_t>(own.rows),
          sums,
          sums + longest_,
          memory.partial + slot * estimate_segments(longest_) * kLastQ};
}

void Planner::run_estimates(const std::vector<EstimateSlot>& slots) const {
  estimate_last_rows(call_, params_.dtype, slots, longest_, context_);
}

Planner::Pooled Planner::allocate_pooled(int64_t heads) const {
  const int64_t d = params_.shape.head_dim;
  Pooled memory;
  Arena arena;
  arena.add(memory.query_means, heads * blocks_of(most_rows_) * d);
  arena.add(memory.key_means, heads * blocks_of(longest_) * d);
  arena.allocate(context_);
  memory.count = heads;
  return memory;
}

PoolSlot Planner::query_slot(const Pooled& memory, int64_t slot, int64_t head) const {
  return {static_cast<int32_t>(head), static_cast<int32_t>(span(head).rows), false,
          memory.query_means + slot * blocks_of(most_rows_) * params_.shape.head_dim};
}

PoolSlot Planner::key_slot(const Pooled& memory, int64_t slot, int64_t kv_head) const {
  const Span own = span(kv_head * (params_.shape.num_heads / params_.shape.num_kv_heads));
  return {static_cast<int32_t>(kv_head), static_cast<int32_t>(own.total()), true,
          memory.key_means + slot * blocks_of(longest_) * params_.shape.head_dim};
}

void Planner::run_pooling(const std::vector<PoolSlot>& slots) const {
  if (slots.empty()) return;
  pool_blocks(call_, params_.dtype, upload(slots, context_), static_cast<int64_t>(slots.size()), blocks_of(longest_),
              context_);
}

void Planner::prepare(PatternKind kind) {
  const int64_t heads = params_.shape.batch * params_.shape.num_heads;
  if (!keep_ || heads == 0 || longest_ == 0) return;
  if (kind == PatternKind::kVerticalSlash && last_rows_.count == 0) {
    last_rows_ = allocate_last_rows(heads);
    std::vector<EstimateSlot> slots;
    for (int64_t h = 0; h < heads; ++h) slots.push_back(estimate_slot(last_rows_, h, h));
    run_estimates(slots);
  }
  if (kind == PatternKind::kBlockSparse && pooled_.count == 0) {
    pooled_ = allocate_pooled(heads);
    std::vector<PoolSlot> slots;
    for (int64_t h = 0; h < heads; ++h) slots.push_back(query_slot(pooled_, h, h));
    for (int64_t h = 0; h <= kv_head(heads - 1); ++h) slots.push_back(key_slot(pooled_, h, h));
    run_pooling(slots);
  }
}

std::vector<Planner::Wave> Planner::point_to_last_rows(std::vector<Job>& jobs) {
  const int64_t needed = count_of(jobs, PatternKind::kVerticalSlash), count = static_cast<int64_t>(jobs.size());
  if (needed == 0) return {};
  if (keep_) {
    prepare(PatternKind::kVerticalSlash);
  } else {
    const auto at_once = static_cast<int64_t>(kWaveBytes / (2 * longest_ * sizeof(float)));
    last_rows_ = allocate_last_rows(std::clamp<int64_t>(at_once, 1, needed));
  }
  std::vector<Wave> waves{{0, 0, {}, {}}};
  for (int64_t i = 0; i < count; ++i) {
    if (is(jobs[i], PatternKind::kVerticalSlash)) {
      if (!keep_ && static_cast<int64_t>(waves.back().last_rows.size()) == last_rows_.count) {
        waves.push_back({i, i, {}, {}});
      }
      const int64_t slot = keep_ ? jobs[i].head : static_cast<int64_t>(waves.back().last_rows.size());
      const EstimateSlot estimate = estimate_slot(last_rows_, slot, jobs[i].head);
      jobs[i].column_scores = estimate.columns;
      jobs[i].slash_scores = estimate.slashes;
      if (!keep_) waves.back().last_rows.push_back(estimate);
    }
    waves.back().end = i + 1;
  }
  return waves;
}

std::vector<Planner::Wave> Planner::point_to_pooled(std::vector<Job>& jobs) {
  const int64_t needed = count_of(jobs, PatternKind::kBlockSparse), count = static_cast<int64_t>(jobs.size());
  if (needed == 0) return {};
  if (keep_) {
    prepare(PatternKind::kBlockSparse);
  } else {
    const int64_t d = params_.shape.head_dim, strip = std::min(kStrip, blocks_of(most_rows_));
    const size_t each = (blocks_of(most_rows_) * d + blocks_of(longest_) * (d + strip)) * sizeof(float);
    pooled_ = allocate_pooled(std::clamp<int64_t>(static_cast<int64_t>(kWaveBytes / each), 1, needed));
  }
  std::vector<Wave> waves{{0, 0, {}, {}}};
  std::map<int64_t, PoolSlot> keys;  // of this wave
  int64_t queries = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (is(jobs[i], PatternKind::kBlockSparse)) {
      if (!keep_ && queries == pooled_.count) {
        waves.push_back({i, i, {}, {}});
        keys.clear();
        queries = 0;
      }
      const int64_t kv = kv_head(jobs[i].head);
      const PoolSlot query = query_slot(pooled_, keep_ ? jobs[i].head : queries++, jobs[i].head);
      if (!keep_) waves.back().pooled.push_back(query);
      if (!keys.contains(kv)) {
        keys[kv] = key_slot(pooled_, keep_ ? kv : static_cast<int64_t>(keys.size()), kv);
        if (!keep_) waves.back().pooled.push_back(keys[kv]);
      }
      jobs[i].query_means = query.means;
      jobs[i].key_means = keys[kv].means;
    }
    waves.back().end = i + 1;
  }
  return waves;
}

// Scores of up to `at_once` jobs at a time: jobs of different waves share theirs.
int64_t Planner::allocate_scores(std::vector<Job>& jobs, int64_t at_once) const {
  const int64_t needed = count_of(jobs, PatternKind::kBlockSparse), key_blocks = blocks_of(longest_);
  if (needed == 0) return kStrip;
  const int64_t all = (blocks_of(most_rows_) + kStrip - 1) / kStrip * kStrip, slots = std::min(needed, at_once);
  const int64_t affordable = static_cast<int64_t>(kWaveBytes / 2) / (slots * key_blocks * int64_t{sizeof(float)});
  const int64_t strip = std::clamp(affordable / kStrip * kStrip, kStrip, all);
  auto* scores = static_cast<float*>(context_.allocate(slots * strip * key_blocks * sizeof(float)));
  int64_t slot = 0;
  for (Job& job : jobs) {
    if (is(job, PatternKind::kBlockSparse)) job.block_scores = scores + slot++ % slots * strip * key_blocks;
  }
  return strip;
}

Plans Planner::plan(const HeadPattern* patterns) {
  const int64_t batch = params_.shape.batch, heads = params_.shape.num_heads;
  std::vector<Job> jobs;
  int64_t most_row_blocks = 0, most_columns = 0;
  for (int64_t h = 0; h < batch * heads; ++h) {
    jobs.push_back(make_job(patterns[h % heads], h));
    if (is(jobs.back(), PatternKind::kVerticalSlash)) {
      most_columns = std::max<int64_t>(most_columns, std::min<int64_t>(jobs.back().pattern.a, longest_));
    }
    if (!is(jobs.back(), PatternKind::kDense)) most_row_blocks = std::max(most_row_blocks, row_blocks(jobs.back()));
  }
  const auto count = static_cast<int64_t>(jobs.size());
  Plans result;
  if (count == 0) return result;
  place_lists(jobs);
  result.columns = place_columns(jobs);
  const std::vector<Wave> list_waves = point_to_last_rows(jobs), block_waves = point_to_pooled(jobs);
  const int64_t strip = allocate_scores(jobs, keep_ ? count : pooled_.count);
  const Job* device = upload(jobs, context_);
  for (const Wave& wave : list_waves) {
    run_estimates(wave.last_rows);
    select_lists(device + wave.begin, wave.end - wave.begin, context_);
  }
  for (const Wave& wave : block_waves) {
    run_pooling(wave.pooled);
    select_blocks(call_, device + wave.begin, wave.end - wave.begin, blocks_of(most_rows_), blocks_of(longest_), strip,
                  context_);
  }
  auto* plans = static_cast<DevicePlan*>(context_.allocate(count * sizeof(DevicePlan)));
  make_plans(call_, device, count, plans, context_);
  count_tiles(call_, device, plans, count, most_row_blocks, context_);
  fall_back(device, plans, count, static_cast<float>(costs_of(params_).sparse_tile), context_);
  gather_columns(call_, params_.v, plans, count, most_columns, result.columns, context_);
  result.plans = plans;
  const int64_t item_rows = int64_t{geometry_.block_m} * geometry_.blocks_per_item;
  const int64_t items = (params_.shape.seqlen_q + item_rows - 1) / item_rows;  // of the padded call, per head
  result.schedule = make_schedule(call_, device, plans, batch, items, context_);
  return result;
}

std::vector<PlanCost> Planner::costs(const Plans& plans, const HeadPattern* patterns) const {
  const int64_t heads = params_.shape.num_heads, d = params_.shape.head_dim;
  std::vector<DevicePlan> host(params_.shape.batch * heads);
  if (host.empty()) return {};
  check(cudaMemcpyAsync(host.data(), plans.plans, host.size() * sizeof(DevicePlan), cudaMemcpyDeviceToHost,
                        context_.stream),
        "reading the plans");
  check(cudaStreamSynchronize(context_.stream), "reading the plans");
  std::vector<PlanCost> costs;
  for (size_t h = 0; h < host.size(); ++h) {
    const bool dense = host[h].kind == static_cast<int32_t>(PatternKind::kDense);
    const double index = dense ? 0 : index_flops(patterns[h % heads], span(h), d);
    const double tile = 4.0 * geometry_.block_m * geometry_.block_n * static_cast<double>(d);
    costs.push_back({dense, host[h].tiles, index + tile * static_cast<double>(host[h].tiles)});
  }
  return costs;
}

}  // namespace minference::cuda
