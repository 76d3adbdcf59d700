#include "block_lists.h"

#include <algorithm>
#include <set>

namespace minference::rivals {

HeadIndex to_index(const CallSpan& span, const std::vector<std::vector<int32_t>>& kept) {
  const QueryBlocks queries(span);
  HeadIndex index{.range_offsets = {0}, .ranges = {}, .column_offsets = {0, 0}, .columns = {}};
  for (int64_t block = 0; block < span.row_blocks(); ++block) {
    std::set<int32_t> key_blocks;
    for (int64_t q = span.first(block) / kBlock; q <= span.last(block) / kBlock; ++q) {
      key_blocks.insert(kept[q - queries.first].begin(), kept[q - queries.first].end());
    }
    const int64_t first_range = index.range_offsets.back();
    for (const int32_t key_block : key_blocks) {
      const auto begin = static_cast<int32_t>(key_block * kBlock);
      const auto end = static_cast<int32_t>(std::min<int64_t>(begin + kBlock, span.total()));
      const bool touches = static_cast<int64_t>(index.ranges.size()) > first_range && index.ranges.back().end == begin;
      if (touches) {
        index.ranges.back().end = end;
      } else {
        index.ranges.push_back({begin, end});
      }
    }
    index.range_offsets.push_back(static_cast<int64_t>(index.ranges.size()));
  }
  return index;
}

HeadIndex whole_context(const CallSpan& span) {
  HeadIndex index{.range_offsets = {0}, .ranges = {}, .column_offsets = {0, 0}, .columns = {}};
  for (int64_t block = 0; block < span.row_blocks(); ++block) {
    index.ranges.push_back({0, static_cast<int32_t>(span.total())});
    index.range_offsets.push_back(static_cast<int64_t>(index.ranges.size()));
  }
  return index;
}

}  // namespace minference::rivals
