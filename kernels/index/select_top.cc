#include "select_top.h"

#include <algorithm>
#include <bit>

namespace minference::index {
namespace {

// Orders as floats do: larger float, larger integer; NaN comes after all of them.
uint32_t ordered(float x) {
  if (x != x) return 0;
  const auto bits = std::bit_cast<uint32_t>(x);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

}  // namespace

Ranking::Ranking(const float* scores, int64_t n, int64_t forced) : keys_(n) {
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t score = i < forced ? 0xffffffffu : ordered(scores[i]);
    keys_[i] = static_cast<uint64_t>(~score) << 32 | static_cast<uint32_t>(i);
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

}  // namespace minference::index
