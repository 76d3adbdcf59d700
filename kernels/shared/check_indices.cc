#include "check_indices.h"

#include <stdexcept>
#include <string>
#include <vector>

#include "call_span.h"

namespace minference::contract {
namespace {

std::string text(int64_t value) { return std::to_string(value); }

std::string text(const KeyRange& range) { return "[" + text(range.begin) + ", " + text(range.end) + ")"; }

[[noreturn]] void refuse(int64_t head, int64_t block, const std::string& problem) {
  throw std::invalid_argument("explicit index of head " + text(head) + ", row block " + text(block) + ": " + problem);
}

void check_offsets(const std::vector<int64_t>& offsets, int64_t lists, size_t entries, const char* name, int64_t head) {
  const std::string found = std::string(" of the explicit index of head ") + text(head);
  if (static_cast<int64_t>(offsets.size()) != lists + 1) {
    throw std::invalid_argument(std::string("expected ") + text(lists + 1) + " offsets into the " + name + found +
                                ", found " + text(static_cast<int64_t>(offsets.size())));
  }
  int64_t before = 0;
  for (const int64_t offset : offsets) {
    if (offset < before || offset > static_cast<int64_t>(entries)) {
      throw std::invalid_argument(std::string("expected ascending offsets from 0 to ") +
                                  text(static_cast<int64_t>(entries)) + " into the " + name + found + ", found " +
                                  text(offset) + " after " + text(before));
    }
    before = offset;
  }
}

void check_ranges(const HeadIndex& index, int64_t head, int64_t block, int64_t total) {
  int64_t before = 0;
  for (const KeyRange& range : index.block_ranges(block)) {
    if (range.begin < before || range.begin >= range.end || range.end > total) {
      refuse(head, block,
             "expected ascending key ranges within [" + text(before) + ", " + text(total) + "), found " + text(range));
    }
    before = range.end;
  }
}

void check_columns(const HeadIndex& index, int64_t head, int64_t block, int64_t total) {
  int64_t least = 0;
  for (const int32_t column : index.block_columns(block)) {
    if (column < least || column >= total) {
      refuse(head, block,
             "expected ascending columns from " + text(least) + " to " + text(total - 1) + ", found " + text(column));
    }
    least = int64_t{column} + 1;
  }
}

void check_index(const HeadIndex& index, int64_t head, const CallSpan& span) {
  const int64_t blocks = span.row_blocks();
  check_offsets(index.range_offsets, blocks, index.ranges.size(), "ranges", head);
  check_offsets(index.column_offsets, index.shares_columns() ? 1 : blocks, index.columns.size(), "columns", head);
  for (int64_t block = 0; block < blocks; ++block) {
    check_ranges(index, head, block, span.total());
    if (block == 0 || !index.shares_columns()) check_columns(index, head, block, span.total());
  }
}

}  // namespace

void check_indices(const AttentionParams& params) {
  std::vector<bool> is_checked(static_cast<size_t>(params.num_indices));
  for (int64_t h = 0; h < params.shape.num_heads; ++h) {
    const HeadPattern& pattern = params.patterns[h];
    if (PatternKind{pattern.kind} != PatternKind::kExplicit) continue;
    if (params.shape.batch != 1) {
      throw std::invalid_argument("expected a batch of 1 with explicit indices, found " + text(params.shape.batch));
    }
    if (pattern.a >= params.num_indices) {
      throw std::invalid_argument("expected one of the " + text(params.num_indices) + " explicit indices for head " +
                                  text(h) + ", found number " + text(pattern.a));
    }
    if (is_checked[static_cast<size_t>(pattern.a)]) continue;
    is_checked[static_cast<size_t>(pattern.a)] = true;
    check_index(params.indices[pattern.a], h, {params.past_lens[0], params.new_lens[0], params.local_window});
  }
}

}  // namespace minference::contract
