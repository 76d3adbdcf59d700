#include "select_top.h"

#include <algorithm>

#include "../../shared/score_order.h"

namespace minference::cpu {
Ranking::Ranking(const float* scores, int64_t n, int64_t forced) : keys_(n) {
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t key = i < forced ? kForcedKey : falling_key(scores[i]);
    keys_[i] = static_cast<uint64_t>(key) << 32 | static_cast<uint32_t>(i);
  }
}

void Ranking::sort() {
  std::sort(keys_.begin(), keys_.end());
  sorted_ = true;
}

std::vector<int32_t> Ranking::top(int64_t count) {
  count = std::min(count, static_cast<int64_t>(keys_.size()));
  if (!sorted_ && count > 0) std::nth_element(keys_.begin(), keys_.begin() + (count - 1), keys_.end());
  std::vector<int32_t> positions(count);
  for (int64_t i = 0; i < count; ++i) positions[i] = static_cast<int32_t>(keys_[i] & 0xffffffffu);
  std::sort(positions.begin(), positions.end());
  return positions;
}

}  // namespace minference::cpu
