#include "pattern_rows.h"

#include <cstring>

#include "checked_input.h"

namespace minference::ops {
namespace {

constexpr int64_t kColumns = sizeof(HeadPattern) / sizeof(int32_t);

void check_row(const char* name, int64_t row, const HeadPattern& p, int32_t known_flags) {
  if (p.kind >= 0 && p.kind <= static_cast<int32_t>(PatternKind::kBlockSparse) && p.a >= 0 && p.b >= 0 &&
      (p.flags & ~known_flags) == 0) {
    return;
  }
  const Shape found{p.kind, p.a, p.b, p.flags};
  expect(false, std::string("expected ") + name + " rows [kind 0 - 3, a >= 0, b >= 0, flags 0 - " +
                    std::to_string(known_flags) + "], found " + to_text(found) + " in row " + std::to_string(row));
}

// Rows of an input whose shape has been checked.
std::vector<HeadPattern> read_rows(const Ort::ConstValue& input, const char* name, int32_t known_flags) {
  std::vector<HeadPattern> rows(element_count(input) / kColumns);
  if (!rows.empty()) std::memcpy(rows.data(), input.GetTensorData<int32_t>(), rows.size() * sizeof(HeadPattern));
  for (size_t row = 0; row < rows.size(); ++row) check_row(name, static_cast<int64_t>(row), rows[row], known_flags);
  return rows;
}

}  // namespace

Candidates read_candidates(const Ort::KernelContext& context, int64_t num_heads) {
  const auto input = required_input(context, kPatterns, "candidates");
  const Shape shape = shape_of(input);
  const bool per_head = shape.size() == 3 && shape[0] == num_heads;
  expect((shape.size() == 2 || per_head || (shape.size() == 3 && shape[0] == 1)) && shape.back() == kColumns,
         "expected candidates of shape [candidates, 4], [1, candidates, 4] or [" + std::to_string(num_heads) +
             ", candidates, 4], found " + to_text(shape));
  return {read_rows(input, "candidates", kNoFallback | kFitA | kFitB), shape[shape.size() - 2], per_head};
}

std::vector<HeadPattern> read_head_patterns(const Ort::KernelContext& context, int64_t num_heads) {
  const auto input = required_input(context, kPatterns, "head_patterns");
  const Shape shape = shape_of(input);
  expect(shape.size() == 2 && shape[0] == num_heads && shape[1] == kColumns,
         "expected head_patterns of shape [" + std::to_string(num_heads) + ", 4], found " + to_text(shape));
  return read_rows(input, "head_patterns", kNoFallback);
}

}  // namespace minference::ops
