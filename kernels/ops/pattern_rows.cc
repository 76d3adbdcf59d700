#include "pattern_rows.h"

#include <cstring>

#include "checked_input.h"

namespace minference::ops {
namespace {

constexpr int64_t kColumns = sizeof(HeadPattern) / sizeof(int32_t);

// What an input's rows may be.
struct RowKinds {
  const char* name;
  int32_t last, flags;
};
constexpr RowKinds kCandidateRows{"candidates", static_cast<int32_t>(PatternKind::kBlockSparse),
                                  kNoFallback | kFitA | kFitB};
constexpr RowKinds kHeadRows{"head_patterns", static_cast<int32_t>(kLastRival), kNoFallback | kGiveIndex | kKeptBits};

void check_row(const RowKinds& known, int64_t row, const HeadPattern& p) {
  if (p.kind >= 0 && p.kind <= known.last && p.a >= 0 && p.b >= 0 && (p.flags & ~known.flags) == 0) return;
  const Shape found{p.kind, p.a, p.b, p.flags};
  expect(false, std::string("expected ") + known.name + " rows [kind 0 - " + std::to_string(known.last) +
                    ", a >= 0, b >= 0, flags of the bits " + std::to_string(known.flags) + "], found " +
                    to_text(found) + " in row " + std::to_string(row));
}

// Rows of an input whose shape has been checked.
std::vector<HeadPattern> read_rows(const Ort::ConstValue& input, const RowKinds& known) {
  std::vector<HeadPattern> rows(element_count(input) / kColumns);
  if (!rows.empty()) std::memcpy(rows.data(), input.GetTensorData<int32_t>(), rows.size() * sizeof(HeadPattern));
  for (size_t row = 0; row < rows.size(); ++row) check_row(known, static_cast<int64_t>(row), rows[row]);
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
  return {read_rows(input, kCandidateRows), shape[shape.size() - 2], per_head};
}

std::vector<HeadPattern> read_head_patterns(const Ort::KernelContext& context, int64_t num_heads) {
  const auto input = required_input(context, kPatterns, "head_patterns");
  const Shape shape = shape_of(input);
  expect(shape.size() == 2 && shape[0] == num_heads && shape[1] == kColumns,
         "expected head_patterns of shape [" + std::to_string(num_heads) + ", 4], found " + to_text(shape));
  return read_rows(input, kHeadRows);
}

}  // namespace minference::ops
