#include "random_cases.h"

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <random>

namespace minference::cuda::check_kernels {
namespace {

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  // Of first … last, each as likely; the same on every platform, which std::uniform_int_distribution is not.
  int64_t between(int64_t first, int64_t last) { return first + static_cast<int64_t>(engine_() % (last - first + 1)); }
  bool one_in(int64_t n) { return between(1, n) == 1; }
  template <typename T>
  T any(std::initializer_list<T> values) {
    return values.begin()[between(0, static_cast<int64_t>(values.size()) - 1)];
  }

 private:
  std::mt19937 engine_;
};

HeadPattern any_pattern(Random& random, int64_t context) {
  const auto up_to = [&](int64_t most) { return static_cast<int32_t>(random.between(0, std::max<int64_t>(most, 1))); };
  switch (random.between(0, 7)) {
    case 0:
      return kDensePattern;
    case 1:
      return a_shape(up_to(context / 4), up_to(context / 2));
    case 2:
      return block_sparse(up_to(context / kPatternBlock));
    case 3:
      return vertical_slash(up_to(context), up_to(3));
    default:
      return vertical_slash(up_to(context / 3), up_to(context / 3));
  }
}

}  // namespace

std::vector<AttentionCase> random_cases(int count) {
  std::vector<AttentionCase> cases;
  for (int i = 1; i <= count; ++i) {
    Random random(static_cast<uint32_t>(i));
    AttentionCase c{.name = "random " + std::to_string(i), .rows = random.between(1, 420)};
    const int64_t batch = random.one_in(3) ? 2 : 1;
    c.past.clear();
    int64_t longest = 0;
    for (int64_t b = 0; b < batch; ++b) {
      c.past.push_back(static_cast<int32_t>(random.one_in(2) ? 0 : random.between(1, 300)));
      longest = std::max<int64_t>(longest, c.past.back() + c.rows);
      if (batch > 1) c.lengths.push_back(static_cast<int32_t>(random.between(0, c.rows)));
    }
    c.kv_heads = random.between(1, 2);
    c.heads = c.kv_heads * random.between(1, 3);
    c.head_dim = random.any<int64_t>({64, 64, 128, 96});
    for (int64_t h = 0; h < c.heads; ++h) c.patterns.push_back(any_pattern(random, longest));
    if (random.one_in(5)) c.window = random.between(1, 200);
    if (random.one_in(6)) c.softcap = 8;
    c.sinks = random.one_in(6);
    c.packed = random.one_in(4);
    c.spare_rows = random.between(0, 50);
    cases.push_back(c);
  }
  return cases;
}

std::vector<AttentionCase> random_anomaly_cases(int count) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<AttentionCase> cases = random_cases(count);
  for (size_t i = 0; i < cases.size(); ++i) {
    AttentionCase& c = cases[i];
    Random random(static_cast<uint32_t>(1000 + i));
    c.name += ", anomalies";
    const int64_t rows = c.lengths.empty() ? c.rows : c.lengths[0];
    if (rows == 0) continue;
    for (int64_t left = random.between(1, 4); left > 0; --left) {
      // A value anywhere says the most; a query or key that is no number leaves little of its rows.
      const char operand = random.any({'q', 'k', 'v', 'v', 'v'});
      c.poison.push_back({.operand = operand,
                          .row = random.between(0, (operand == 'q' ? 0 : c.past[0]) + rows - 1),
                          .head = random.between(0, (operand == 'q' ? c.heads : c.kv_heads) - 1),
                          .element = random.between(0, c.head_dim - 1),
                          .value = random.any({std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity})});
    }
  }
  return cases;
}

}  // namespace minference::cuda::check_kernels
