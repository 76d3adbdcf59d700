#include "anomaly_cases.h"

#include <limits>

namespace minference::cuda::check_kernels {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();

struct Anomaly {
  std::string name;
  std::vector<Poison> poison;
};

// Of 200 rows or more: whole rows by their scores, elements by values, of keys that some rows do not see.
std::vector<Anomaly> anomalies() {
  return {
      {"NaN query", {{'q', 70, 1, 5, kNaN}}},
      {"infinite query", {{'q', 100, 3, 8, kInfinity}}},
      {"NaN key", {{'k', 40, 0, 3, kNaN}}},
      {"infinite keys", {{'k', 64, 1, 0, -kInfinity}, {'k', 10, 0, 1, kInfinity}}},
      {"NaN values", {{'v', 0, 0, 7, kNaN}, {'v', 90, 0, 9, kNaN}, {'v', 150, 1, 40, kNaN}}},
      {"infinite values", {{'v', 75, 0, 2, kInfinity}, {'v', 31, 1, 63, -kInfinity}}},
      {"infinities that cancel", {{'v', 20, 0, 11, kInfinity}, {'v', 130, 0, 11, -kInfinity}}},
      // Rows whose query makes the score -inf give the key no weight; the others are NaN.
      {"NaN value without weight", {{'k', 33, 1, 6, -kInfinity}, {'v', 33, 1, 20, kNaN}}},
  };
}

// Anomalies of queries are in this row.
std::vector<Poison> with_query_at(std::vector<Poison> poison, int64_t row) {
  for (Poison& one : poison) {
    if (one.operand == 'q') one.row = row;
  }
  return poison;
}

void add_shapes(std::vector<AttentionCase>& cases, const Anomaly& anomaly, int64_t head_dim) {
  const std::string size = ", head size " + std::to_string(head_dim);
  const std::vector<HeadPattern> patterns{kDensePattern, a_shape(16, 70), vertical_slash(60, 120), block_sparse(2)};
  cases.push_back(
      {.name = anomaly.name + size, .rows = 200, .head_dim = head_dim, .patterns = patterns, .poison = anomaly.poison});
  cases.push_back({.name = anomaly.name + " after 100" + size,
                   .rows = 130,
                   .past = {100},
                   .head_dim = head_dim,
                   .patterns = patterns,
                   .poison = anomaly.poison});
  cases.push_back({.name = anomaly.name + ", decode" + size,
                   .rows = 1,
                   .past = {900},
                   .head_dim = head_dim,
                   .poison = with_query_at(anomaly.poison, 0)});
  // Candidates are ranked by the last rows: one of them says nothing, or none says anything.
  cases.push_back({.name = anomaly.name + ", estimates" + size,
                   .rows = 300,
                   .head_dim = head_dim,
                   .patterns = {vertical_slash(50, 140), block_sparse(2), vertical_slash(80, 101), block_sparse(3)},
                   .poison = with_query_at(anomaly.poison, 270)});
}

}  // namespace

std::vector<AttentionCase> anomaly_cases() {
  std::vector<AttentionCase> cases;
  for (const int64_t head_dim : {64, 96, 128, 256}) {
    for (const Anomaly& anomaly : anomalies()) add_shapes(cases, anomaly, head_dim);
    const std::string size = ", head size " + std::to_string(head_dim);
    // The key of row 2: rows 0 and 1 do not see it.
    cases.push_back({.name = "unseen NaN value, decode of 5 rows" + size,
                     .rows = 5,
                     .past = {600},
                     .heads = 8,
                     .head_dim = head_dim,
                     .poison = {{'v', 602, 1, 50, kNaN}}});
    cases.push_back({.name = "NaN values around a window, decode of 5 rows" + size,
                     .rows = 5,
                     .past = {600},
                     .head_dim = head_dim,
                     .window = 100,
                     .poison = {{'v', 501, 0, 1, kNaN}, {'v', 503, 1, 2, kInfinity}, {'v', 400, 0, 3, kNaN}}});
  }
  const std::vector<HeadPattern> patterns{kDensePattern, a_shape(16, 70), vertical_slash(60, 120), block_sparse(2)};
  const std::vector<Poison> values{{'v', 90, 0, 9, kNaN}, {'v', 199, 0, 30, kInfinity}, {'v', 131, 0, 0, -kInfinity}};
  cases.push_back({.name = "anomalies in a window", .rows = 200, .patterns = patterns, .window = 50, .poison = values});
  cases.push_back({.name = "anomalies, softcap", .rows = 200, .patterns = patterns, .softcap = 5, .poison = values});
  cases.back().poison.push_back({'k', 120, 1, 3, kInfinity});
  cases.push_back({.name = "anomalies, sinks", .rows = 200, .patterns = patterns, .sinks = true, .poison = values});
  cases.push_back({.name = "anomalies, 8 heads over 1",
                   .rows = 200,
                   .heads = 8,
                   .kv_heads = 1,
                   .patterns = patterns,
                   .poison = values});
  cases.push_back({.name = "anomalies, different lengths",
                   .rows = 200,
                   .past = {0, 50},
                   .lengths = {200, 77},
                   .patterns = patterns,
                   .packed = true,
                   .poison = values});
  // Fewer keys than a granule are loaded row by row.
  cases.push_back({.name = "anomalies, 24 keys",
                   .rows = 24,
                   .patterns = patterns,
                   .spare_rows = 20,
                   .poison = {{'v', 11, 0, 9, kNaN}, {'v', 23, 1, 3, kInfinity}}});
  return cases;
}

}  // namespace minference::cuda::check_kernels
