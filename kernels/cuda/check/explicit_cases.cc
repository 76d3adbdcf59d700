#include "explicit_cases.h"

#include <cmath>
#include <random>
#include <set>

namespace minference::cuda::check_kernels {
namespace {

// Some ranges, touching ones among them, and columns in and out of them; every fourth row block has none of either.
HeadIndex some_index(int64_t rows, int64_t past, uint32_t seed, bool shares_columns) {
  std::mt19937 engine(seed);
  const int64_t total = past + rows, blocks = (rows + kPatternBlock - 1) / kPatternBlock;
  const auto below = [&](int64_t n) { return static_cast<int32_t>(engine() % static_cast<uint32_t>(n)); };
  const auto add_columns = [&](HeadIndex& index, int64_t count) {
    std::set<int32_t> columns;
    for (int64_t i = 0; i < count; ++i) columns.insert(below(total));
    index.columns.insert(index.columns.end(), columns.begin(), columns.end());
    index.column_offsets.push_back(static_cast<int64_t>(index.columns.size()));
  };
  HeadIndex index{.range_offsets = {0}, .ranges = {}, .column_offsets = {0}, .columns = {}};
  for (int64_t block = 0; block < blocks; ++block) {
    if (block % 4 != 3) {
      std::set<int32_t> cuts{0};
      for (int i = below(9); i >= 0; --i) cuts.insert(1 + below(total));
      for (auto cut = cuts.begin(), next = std::next(cut); next != cuts.end(); ++cut, ++next) {
        if (below(3) > 0) index.ranges.push_back({*cut, *next});
      }
    }
    index.range_offsets.push_back(static_cast<int64_t>(index.ranges.size()));
    if (!shares_columns) add_columns(index, block % 4 == 3 ? 0 : below(80));
  }
  if (shares_columns) add_columns(index, 70);
  return index;
}

AttentionCase some_case(const std::string& name, int64_t rows, int32_t past, int64_t head_dim) {
  return {.name = "explicit, " + name,
          .rows = rows,
          .past = {past},
          .head_dim = head_dim,
          .patterns = {explicit_index(0), kDensePattern, explicit_index(1), vertical_slash(20, 110)},
          .indices = {some_index(rows, past, 1, false), some_index(rows, past, 2, true)}};
}

}  // namespace

std::vector<AttentionCase> explicit_cases() {
  std::vector<AttentionCase> cases;
  for (const int64_t rows : {1, 64, 65, 129, 333})
    cases.push_back(some_case(std::to_string(rows) + " rows", rows, 0, 64));
  cases.push_back(some_case("100 rows after 77", 100, 77, 128));
  cases.push_back(some_case("10 rows after 300", 10, 300, 64));
  cases.push_back(some_case("head size 256", 200, 30, 256));
  AttentionCase window = some_case("window, sinks, softcap", 200, 50, 64);
  window.window = 90;
  window.sinks = true;
  window.softcap = 6;
  cases.push_back(window);
  AttentionCase shared = some_case("one index for all heads", 150, 0, 96);
  shared.patterns = {explicit_index(0)};
  cases.push_back(shared);
  AttentionCase anomalies = some_case("anomalies", 200, 50, 64);
  anomalies.poison = {{'v', 90, 0, 9, NAN}, {'v', 200, 1, 30, INFINITY}, {'k', 120, 1, 4, NAN}, {'q', 77, 2, 0, NAN}};
  cases.push_back(anomalies);
  return cases;
}

}  // namespace minference::cuda::check_kernels
