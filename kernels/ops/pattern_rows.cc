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

}  // namespace

std::vector<HeadPattern> read_pattern_rows(const Ort::KernelContext& context, const char* name, bool allow_fit) {
  const auto input = required_input(context, kPatterns, name);
  const Shape shape = shape_of(input);
  expect(shape.size() == 2 && shape[1] == kColumns,
         std::string("expected ") + name + " of shape [rows, 4], found " + to_text(shape));
  std::vector<HeadPattern> rows(shape[0]);
  if (!rows.empty()) std::memcpy(rows.data(), input.GetTensorData<int32_t>(), rows.size() * sizeof(HeadPattern));
  const int32_t known_flags = allow_fit ? kNoFallback | kFitA | kFitB : kNoFallback;
  for (size_t row = 0; row < rows.size(); ++row) check_row(name, static_cast<int64_t>(row), rows[row], known_flags);
  return rows;
}

std::vector<HeadPattern> read_head_patterns(const Ort::KernelContext& context, int64_t num_heads) {
  std::vector<HeadPattern> rows = read_pattern_rows(context, "head_patterns", false);
  expect(static_cast<int64_t>(rows.size()) == num_heads, "expected head_patterns of shape [" +
                                                             std::to_string(num_heads) + ", 4], found [" +
                                                             std::to_string(rows.size()) + ", 4]");
  return rows;
}

}  // namespace minference::ops
