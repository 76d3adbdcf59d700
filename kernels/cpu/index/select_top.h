#pragma once

#include <cstdint>
#include <vector>

namespace minference::cpu {

// Positions of scores[0 … n), as keys that order by falling score, then by rising position. The first `forced` come
// before all others.
class Ranking {
 public:
  Ranking(const float* scores, int64_t n, int64_t forced);

  // The `count` best, ascending. Selection, not a sort: O(n).
  std::vector<int32_t> top(int64_t count);
  // From here on top() only reads a prefix: for many budgets over the same scores.
  void sort();

 private:
  std::vector<uint64_t> keys_;
  bool sorted_ = false;
};

}  // namespace minference::cpu
