#include "anomaly_cases.h"
#include "attention_case.h"
#include "explicit_cases.h"
#include "random_cases.h"

namespace minference::cuda::check_kernels {
namespace {

std::string run_case(const AttentionCase& c, DataType dtype, std::string& note) {
  AttentionOperands operands(c, dtype);
  const AttentionParams& p = operands.device();
  const auto rows = static_cast<size_t>(p.shape.batch * p.shape.seqlen_q * p.shape.num_heads);
  const auto elements = rows * static_cast<size_t>(p.shape.head_dim);
  attention(p, operands.memory().context());
  const auto out = download<uint16_t>(p.out, elements);
  const auto lse = download<uint32_t>(p.lse, rows);
  attention(p, operands.memory().context());
  if (download<uint16_t>(p.out, elements) != out) return "the second run gives another output";
  if (download<uint32_t>(p.lse, rows) != lse) return "the second run gives another LSE";
  return compare_with_reference(c, operands, attention_geometry(c.head_dim, c.has_explicit()), dtype, note);
}

constexpr int kRandomCases = 300, kSmallRandomCases = 20;

// One head of each kind.
std::vector<HeadPattern> mixed() { return {kDensePattern, a_shape(16, 70), vertical_slash(40, 120), block_sparse(3)}; }

std::vector<AttentionCase> small_cases() {
  std::vector<AttentionCase> cases;
  for (const int64_t rows : {1, 2, 63, 64, 65, 129, 592, 1521}) {
    cases.push_back({.name = std::to_string(rows) + " rows", .rows = rows, .patterns = mixed()});
  }
  for (const auto& [heads, kv_heads] : std::vector<std::pair<int64_t, int64_t>>{{4, 4}, {4, 1}, {8, 1}, {32, 1}}) {
    cases.push_back({.name = std::to_string(heads) + " heads over " + std::to_string(kv_heads),
                     .rows = 200,
                     .heads = heads,
                     .kv_heads = kv_heads,
                     .patterns = mixed()});
  }
  for (const auto& [rows, past] : std::vector<std::pair<int64_t, int32_t>>{
           {1, 300}, {1, 5000}, {3, 1000}, {5, 200}, {16, 700}, {64, 64}, {100, 33}, {130, 500}}) {
    cases.push_back({.name = std::to_string(rows) + " rows after " + std::to_string(past),
                     .rows = rows,
                     .past = {past},
                     .patterns = mixed(),
                     .spare_rows = 40});
  }
  for (const int64_t head_dim : {96, 128, 256}) {
    const std::string size = "head size " + std::to_string(head_dim);
    cases.push_back({.name = size, .rows = 330, .head_dim = head_dim, .patterns = mixed()});
    cases.push_back({.name = size + ", decode", .rows = 1, .past = {777}, .head_dim = head_dim});
    cases.push_back({.name = size + ", past", .rows = 150, .past = {300}, .head_dim = head_dim, .patterns = mixed()});
  }
  const std::vector<std::pair<std::string, HeadPattern>> single{
      {"dense", kDensePattern},
      {"vertical-slash 0, 0", vertical_slash(0, 0)},
      {"vertical-slash 0, 1", vertical_slash(0, 1)},
      {"vertical-slash 1, 0", vertical_slash(1, 0)},
      {"vertical-slash 0, 64", vertical_slash(0, 64)},
      {"vertical-slash 100, 0", vertical_slash(100, 0)},
      {"vertical-slash, forced only", vertical_slash(30, 100)},
      {"vertical-slash beyond the context", vertical_slash(9000, 9000)},
      {"A-shape 0, 0", a_shape(0, 0)},
      {"A-shape 0, 1", a_shape(0, 1)},
      {"A-shape 1, 0", a_shape(1, 0)},
      {"A-shape beyond the context", a_shape(9000, 9000)},
      {"block-sparse 0", block_sparse(0)},
      {"block-sparse 1", block_sparse(1)},
      {"block-sparse beyond the context", block_sparse(9000)},
  };
  for (const auto& [name, pattern] : single) cases.push_back({.name = name, .rows = 333, .patterns = {pattern}});
  // Fewer keys than a granule.
  const std::vector<HeadPattern> few{vertical_slash(5, 3), vertical_slash(20, 1), a_shape(2, 3), kDensePattern};
  cases.push_back({.name = "24 keys", .rows = 24, .patterns = few, .spare_rows = 20});
  cases.push_back({.name = "24 keys, past", .rows = 9, .past = {15}, .head_dim = 128, .patterns = few});
  cases.push_back({.name = "different lengths",
                   .rows = 150,
                   .past = {0, 0, 0, 0},
                   .lengths = {150, 1, 64, 99},
                   .patterns = mixed()});
  cases.push_back(
      {.name = "an empty batch entry", .rows = 70, .past = {0, 0}, .lengths = {0, 70}, .patterns = mixed()});
  cases.push_back({.name = "decode of different pasts", .rows = 1, .past = {10, 2000, 0, 129}});
  cases.push_back({.name = "softcap", .rows = 150, .patterns = mixed(), .softcap = 5});
  cases.push_back({.name = "scale", .rows = 150, .patterns = mixed(), .scale = 0.3f});
  cases.push_back({.name = "window", .rows = 300, .patterns = mixed(), .window = 50});
  cases.push_back({.name = "window in decode", .rows = 1, .past = {900}, .patterns = mixed(), .window = 50});
  cases.push_back({.name = "sinks", .rows = 150, .patterns = mixed(), .sinks = true});
  cases.push_back({.name = "sinks in decode", .rows = 1, .past = {900}, .patterns = mixed(), .sinks = true});
  cases.push_back({.name = "packed queries", .rows = 150, .patterns = mixed(), .packed = true});
  return cases;
}

// Few rows, all heads dense: split over the keys.
std::vector<AttentionCase> decode_cases() {
  std::vector<AttentionCase> cases;
  for (const int32_t past : {0, 1, 127, 129, 1000, 5000}) {
    cases.push_back({.name = "decode, past " + std::to_string(past), .rows = 1, .past = {past}, .spare_rows = 20});
  }
  for (const auto& [heads, kv_heads] :
       std::vector<std::pair<int64_t, int64_t>>{{2, 2}, {4, 1}, {8, 1}, {32, 1}, {64, 1}, {6, 2}}) {
    const std::string name = "decode, " + std::to_string(heads) + " heads over " + std::to_string(kv_heads);
    cases.push_back({.name = name, .rows = 1, .past = {700}, .heads = heads, .kv_heads = kv_heads, .spare_rows = 9});
  }
  for (const int64_t head_dim : {64, 96, 128, 256}) {
    const std::string name = "decode, head size " + std::to_string(head_dim);
    for (const int64_t rows : {2, 5, 16}) {
      cases.push_back({.name = name + ", " + std::to_string(rows) + " rows",
                       .rows = rows,
                       .past = {1000},
                       .heads = 8,
                       .head_dim = head_dim,
                       .sinks = rows == 5,
                       .packed = true,
                       .spare_rows = 33});
    }
    cases.push_back({.name = name + ", window", .rows = 5, .past = {1000}, .head_dim = head_dim, .window = 300});
  }
  cases.push_back({.name = "decode, 16 rows without past", .rows = 16});
  cases.push_back({.name = "decode, softcap", .rows = 3, .past = {600}, .softcap = 5});
  for (const int64_t window : std::vector<int64_t>{0, 1, 3, 1'000'000'000'000}) {
    cases.push_back({.name = "decode, window " + std::to_string(window),
                     .rows = 5,
                     .past = {600},
                     .window = window,
                     .sinks = true});
  }
  cases.push_back({.name = "decode of different pasts and lengths",
                   .rows = 5,
                   .past = {1000, 0, 129, 0, 3000, 62},
                   .lengths = {5, 0, 3, 2, 1, 5},
                   .sinks = true});
  cases.push_back({.name = "decode of different pasts, window",
                   .rows = 2,
                   .past = {1000, 0, 129, 3000},
                   .lengths = {1, 0, 2, 2},
                   .softcap = 20,
                   .window = 100});
  cases.push_back({.name = "decode of 70 batch entries", .rows = 1, .past = std::vector<int32_t>(70, 40), .heads = 2});
  return cases;
}

std::vector<AttentionCase> large_cases() {
  const std::vector<HeadPattern> budgets{vertical_slash(1000, 4000), block_sparse(100), a_shape(1024, 4096),
                                         kDensePattern};
  return {
      {.name = "70,000 rows", .rows = 70'001, .heads = 4, .kv_heads = 1, .patterns = budgets, .sampled_blocks = 6},
      {.name = "70,000 rows, head size 128",
       .rows = 70'001,
       .heads = 4,
       .kv_heads = 1,
       .head_dim = 128,
       .patterns = budgets,
       .sampled_blocks = 6},
      {.name = "8,000 rows after 40,000",
       .rows = 8000,
       .past = {40'000},
       .heads = 8,
       .kv_heads = 2,
       .head_dim = 128,
       .patterns = budgets,
       .sampled_blocks = 6},
      {.name = "300,000 keys",
       .rows = 300'000,
       .heads = 1,
       .kv_heads = 1,
       .head_dim = 128,
       .patterns = {vertical_slash(1000, 6000)},
       .sampled_blocks = 5},
      {.name = "decode after 130,000", .rows = 1, .past = {130'000}, .heads = 32, .kv_heads = 8, .head_dim = 128},
  };
}

}  // namespace

void add_attention_checks(std::vector<Check>& checks) {
  const auto add = [&](const AttentionCase& c, DataType dtype, bool large) {
    const char* type = dtype == DataType::kFloat16 ? ", float16" : ", bfloat16";
    checks.push_back(
        {"attention: " + c.name + type, [c, dtype](std::string& note) { return run_case(c, dtype, note); }, large});
  };
  for (const AttentionCase& c : small_cases()) {
    add(c, DataType::kFloat16, c.rows > 600 || c.heads > 8);
    add(c, DataType::kBFloat16, true);
  }
  for (const AttentionCase& c : explicit_cases()) {
    add(c, DataType::kFloat16, false);
    add(c, DataType::kBFloat16, true);
  }
  for (const AttentionCase& c : decode_cases()) {
    add(c, DataType::kFloat16, false);
    add(c, DataType::kBFloat16, true);
  }
  for (const AttentionCase& c : anomaly_cases()) {
    add(c, DataType::kFloat16, c.head_dim > 64);
    add(c, DataType::kBFloat16, true);
  }
  int number = 0;
  for (const AttentionCase& c : random_anomaly_cases(kRandomCases)) {
    add(c, DataType::kBFloat16, ++number > kSmallRandomCases);
  }
  number = 0;
  for (const AttentionCase& c : random_cases(kRandomCases)) add(c, DataType::kFloat16, ++number > kSmallRandomCases);
  for (const AttentionCase& c : large_cases()) add(c, DataType::kFloat16, true);
}

}  // namespace minference::cuda::check_kernels
