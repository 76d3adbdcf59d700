// Which keys each block of query rows of one head computes. One form serves all patterns, and indices that a caller
// gives: sorted key ranges plus single columns, in compressed rows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace minference {

struct KeyRange {
  int32_t begin;  // first key
  int32_t end;    // one past the last key
};

// The keys of one head, by row blocks: of kPatternBlock rows where a caller gives them, else of the kernel's. A row
// block computes the keys of its ranges and columns that some row of it sees (causality, local window), each row those
// that it sees itself.
struct HeadIndex {
  std::vector<int64_t> range_offsets;   // [row_blocks + 1] into ranges
  std::vector<KeyRange> ranges;         // sorted, disjoint within a row block
  std::vector<int64_t> column_offsets;  // [row_blocks + 1] into columns; [2]: all row blocks have the same columns
  std::vector<int32_t> columns;         // ascending, unique within a row block

  bool shares_columns() const { return column_offsets.size() == 2; }
  std::span<const KeyRange> block_ranges(int64_t block) const {
    return {ranges.begin() + range_offsets[block], ranges.begin() + range_offsets[block + 1]};
  }
  std::span<const int32_t> block_columns(int64_t block) const {
    const int64_t list = shares_columns() ? 0 : block;
    return {columns.begin() + column_offsets[list], columns.begin() + column_offsets[list + 1]};
  }
};

// As a kernel computes it: ranges rounded, merged and clipped to what the block sees.
struct SparseIndex : HeadIndex {
  bool dense = false;  // the pattern covers the context; the ranges are there all the same
  int64_t tiles = 0;   // see KernelGeometry
  // Attention tiles + building this index: for vertical_slash 2·head_dim for each score of the last kLastQ rows; for
  // block_sparse head_dim for each pooled row and 2·head_dim for each pooled score. Selection is not counted.
  double flops = 0;
};

}  // namespace minference
