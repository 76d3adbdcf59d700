#include "pooled_estimates.h"

#include <algorithm>
#include <map>

#include "arena.h"
#include "blocks.h"
#include "upload.h"

namespace minference::cuda {
namespace {

constexpr int64_t kStrip = 128;  // query blocks, whatever block_m

int64_t count_blocks_jobs(const std::vector<Job>& jobs) {
  return std::count_if(jobs.begin(), jobs.end(), [](const Job& job) { return is(job, PatternKind::kBlockSparse); });
}

}  // namespace

void PooledEstimates::allocate(int64_t heads) {
  Arena arena;
  arena.add(query_means_, heads * pattern_blocks(shape_.most_rows()) * shape_.head_dim());
  arena.add(key_means_, heads * pattern_blocks(shape_.longest()) * shape_.head_dim());
  arena.allocate(context_);
  count_ = heads;
}

PoolSlot PooledEstimates::query_slot(int64_t place, int64_t head) const {
  return {static_cast<int32_t>(head), static_cast<int32_t>(shape_.span(head).rows), false,
          query_means_ + place * pattern_blocks(shape_.most_rows()) * shape_.head_dim()};
}

PoolSlot PooledEstimates::key_slot(int64_t place, int64_t kv_head) const {
  const CallSpan own = shape_.span(shape_.first_head_of(kv_head));
  return {static_cast<int32_t>(kv_head), static_cast<int32_t>(own.total()), true,
          key_means_ + place * pattern_blocks(shape_.longest()) * shape_.head_dim()};
}

void PooledEstimates::run(const std::vector<PoolSlot>& slots) const {
  if (slots.empty()) return;
  pool_blocks(shape_.call(), shape_.params().dtype, upload(slots, context_), static_cast<int64_t>(slots.size()),
              pattern_blocks(shape_.longest()), context_);
}

void PooledEstimates::prepare() {
  const int64_t heads = shape_.heads();
  if (!keep_ || heads == 0 || shape_.longest() == 0 || count_ != 0) return;
  allocate(heads);
  std::vector<PoolSlot> slots;
  for (int64_t h = 0; h < heads; ++h) slots.push_back(query_slot(h, h));
  for (int64_t h = 0; h <= shape_.kv_head(heads - 1); ++h) slots.push_back(key_slot(h, h));
  run(slots);
}

std::vector<PooledEstimates::Wave> PooledEstimates::point(std::vector<Job>& jobs) {
  const int64_t needed = count_blocks_jobs(jobs);
  if (needed == 0) return {};
  if (keep_) {
    prepare();
  } else {
    const int64_t d = shape_.head_dim(), query_blocks = pattern_blocks(shape_.most_rows());
    const size_t each =
        (query_blocks * d + pattern_blocks(shape_.longest()) * (d + std::min(kStrip, query_blocks))) * sizeof(float);
    allocate(std::clamp<int64_t>(static_cast<int64_t>(kWaveBytes / each), 1, needed));
  }
  std::vector<Wave> waves{{0, 0, {}}};
  std::map<int64_t, PoolSlot> keys;  // of this wave
  int64_t queries = 0;
  for (int64_t i = 0; i < static_cast<int64_t>(jobs.size()); ++i) {
    if (is(jobs[i], PatternKind::kBlockSparse)) {
      if (!keep_ && queries == count_) {
        waves.push_back({i, i, {}});
        keys.clear();
        queries = 0;
      }
      const int64_t kv = shape_.kv_head(jobs[i].head);
      const PoolSlot query = query_slot(keep_ ? jobs[i].head : queries++, jobs[i].head);
      if (!keep_) waves.back().slots.push_back(query);
      if (!keys.contains(kv)) {
        keys[kv] = key_slot(keep_ ? kv : static_cast<int64_t>(keys.size()), kv);
        if (!keep_) waves.back().slots.push_back(keys[kv]);
      }
      jobs[i].query_means = query.means;
      jobs[i].key_means = keys[kv].means;
    }
    waves.back().end = i + 1;
  }
  return waves;
}

int64_t PooledEstimates::allocate_scores(std::vector<Job>& jobs) const {
  const int64_t needed = count_blocks_jobs(jobs), key_blocks = pattern_blocks(shape_.longest());
  if (needed == 0) return kStrip;
  const int64_t at_once = keep_ ? static_cast<int64_t>(jobs.size()) : count_;
  const int64_t all = (pattern_blocks(shape_.most_rows()) + kStrip - 1) / kStrip * kStrip,
                slots = std::min(needed, at_once);
  const int64_t affordable = static_cast<int64_t>(kWaveBytes / 2) / (slots * key_blocks * int64_t{sizeof(float)});
  const int64_t strip = std::clamp(affordable / kStrip * kStrip, kStrip, all);
  auto* scores = static_cast<float*>(context_.allocate(slots * strip * key_blocks * sizeof(float)));
  int64_t slot = 0;
  for (Job& job : jobs) {
    if (is(job, PatternKind::kBlockSparse)) job.block_scores = scores + slot++ % slots * strip * key_blocks;
  }
  return strip;
}

}  // namespace minference::cuda
