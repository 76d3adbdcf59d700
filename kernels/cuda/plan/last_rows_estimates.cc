#include "last_rows_estimates.h"

#include <algorithm>

#include "arena.h"
#include "estimate.h"

namespace minference::cuda {

void LastRowsEstimates::allocate(int64_t heads) {
  Arena arena;
  arena.add(sums_, heads * 2 * shape_.longest());
  arena.add(partial_, heads * estimate_segments(shape_.longest()) * kLastQ);
  arena.allocate(context_);
  count_ = heads;
}

EstimateSlot LastRowsEstimates::slot(int64_t place, int64_t head) const {
  const CallSpan own = shape_.span(head);
  float* sums = sums_ + place * 2 * shape_.longest();
  return {static_cast<int32_t>(head),     static_cast<int32_t>(own.past),
          static_cast<int32_t>(own.rows), sums,
          sums + shape_.longest(),        partial_ + place * estimate_segments(shape_.longest()) * kLastQ};
}

void LastRowsEstimates::run(const std::vector<EstimateSlot>& slots) const {
  estimate_last_rows(shape_.call(), shape_.params().dtype, slots, shape_.longest(), context_);
}

void LastRowsEstimates::prepare() {
  if (!keep_ || shape_.heads() == 0 || shape_.longest() == 0 || count_ != 0) return;
  allocate(shape_.heads());
  std::vector<EstimateSlot> slots;
  for (int64_t h = 0; h < shape_.heads(); ++h) slots.push_back(slot(h, h));
  run(slots);
}

std::vector<LastRowsEstimates::Wave> LastRowsEstimates::point(std::vector<Job>& jobs) {
  const int64_t needed =
      std::count_if(jobs.begin(), jobs.end(), [](const Job& job) { return is(job, PatternKind::kVerticalSlash); });
  if (needed == 0) return {};
  if (keep_) {
    prepare();
  } else {
    const auto at_once = static_cast<int64_t>(kWaveBytes / (2 * shape_.longest() * sizeof(float)));
    allocate(std::clamp<int64_t>(at_once, 1, needed));
  }
  std::vector<Wave> waves{{0, 0, {}}};
  for (int64_t i = 0; i < static_cast<int64_t>(jobs.size()); ++i) {
    if (is(jobs[i], PatternKind::kVerticalSlash)) {
      if (!keep_ && static_cast<int64_t>(waves.back().slots.size()) == count_) waves.push_back({i, i, {}});
      const int64_t place = keep_ ? jobs[i].head : static_cast<int64_t>(waves.back().slots.size());
      const EstimateSlot estimate = slot(place, jobs[i].head);
      jobs[i].column_scores = estimate.columns;
      jobs[i].slash_scores = estimate.slashes;
      if (!keep_) waves.back().slots.push_back(estimate);
    }
    waves.back().end = i + 1;
  }
  return waves;
}

}  // namespace minference::cuda
