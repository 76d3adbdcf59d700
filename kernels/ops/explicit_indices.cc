#include "explicit_indices.h"

#include <cstring>
#include <span>
#include <string>

#include "checked_input.h"

namespace minference::ops {
namespace {

std::span<const int64_t> read_offsets(const Ort::ConstValue& input, const char* name, int64_t entries) {
  const Shape shape = shape_of(input);
  expect(shape.size() == 1 && shape[0] > 0,
         std::string("expected ") + name + " of shape [lists + 1], found " + to_text(shape));
  const std::span<const int64_t> offsets(input.GetTensorData<int64_t>(), static_cast<size_t>(shape[0]));
  int64_t before = 0;
  for (const int64_t offset : offsets) {
    expect(offset >= before && offset <= entries, std::string("expected ") + name + " ascending from 0 to " +
                                                      std::to_string(entries) + ", found " + std::to_string(offset) +
                                                      " after " + std::to_string(before));
    before = offset;
  }
  expect(offsets.front() == 0 && offsets.back() == entries,
         std::string("expected ") + name + " from 0 to " + std::to_string(entries) + ", found " +
             std::to_string(offsets.front()) + " to " + std::to_string(offsets.back()));
  return offsets;
}

// Offsets of lists first … first + count - 1, from 0 on.
std::vector<int64_t> part_of(std::span<const int64_t> offsets, size_t first, size_t count) {
  std::vector<int64_t> part(offsets.begin() + first, offsets.begin() + first + count + 1);
  for (int64_t& offset : part) offset -= offsets[first];
  return part;
}

}  // namespace

std::vector<HeadIndex> read_explicit_indices(const Ort::KernelContext& context, const AttentionParams& call) {
  if (!optional_input(context, kIndexRangeOffsets) || call.shape.batch == 0) return {};
  const int64_t row_blocks = (int64_t{call.new_lens[0]} + kPatternBlock - 1) / kPatternBlock;
  const auto ranges_input = required_input(context, kIndexRanges, "ranges");
  const auto columns_input = required_input(context, kIndexColumns, "columns");
  const Shape ranges_shape = shape_of(ranges_input), columns_shape = shape_of(columns_input);
  expect(ranges_shape.size() == 2 && ranges_shape[1] == 2,
         "expected ranges of shape [ranges, 2], found " + to_text(ranges_shape));
  expect(columns_shape.size() == 1, "expected columns of shape [columns], found " + to_text(columns_shape));
  const auto range_offsets =
      read_offsets(required_input(context, kIndexRangeOffsets, "range_offsets"), "range_offsets", ranges_shape[0]);
  const auto column_offsets =
      read_offsets(required_input(context, kIndexColumnOffsets, "column_offsets"), "column_offsets", columns_shape[0]);
  const size_t lists = range_offsets.size() - 1, column_lists = column_offsets.size() - 1;
  const auto blocks = static_cast<size_t>(row_blocks);
  if (lists == 0 && column_lists == 0) return {};
  expect(blocks > 0 && lists % blocks == 0, "expected range_offsets of a multiple of " + std::to_string(row_blocks) +
                                                " row blocks, found those of " + std::to_string(lists));
  const size_t count = lists / blocks;
  const bool shared = column_lists == count;
  expect(shared || column_lists == lists, "expected column_offsets of " + std::to_string(count) + " or " +
                                              std::to_string(lists) + " lists, found those of " +
                                              std::to_string(column_lists));
  const auto* ranges = reinterpret_cast<const KeyRange*>(ranges_input.GetTensorData<int32_t>());
  const auto* columns = columns_input.GetTensorData<int32_t>();
  const size_t own_lists = shared ? 1 : blocks;
  std::vector<HeadIndex> indices(count);
  for (size_t i = 0; i < count; ++i) {
    HeadIndex& index = indices[i];
    index.range_offsets = part_of(range_offsets, i * blocks, blocks);
    index.column_offsets = part_of(column_offsets, i * own_lists, own_lists);
    index.ranges.assign(ranges + range_offsets[i * blocks], ranges + range_offsets[(i + 1) * blocks]);
    index.columns.assign(columns + column_offsets[i * own_lists], columns + column_offsets[(i + 1) * own_lists]);
  }
  return indices;
}

}  // namespace minference::ops
