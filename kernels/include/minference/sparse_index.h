// Which keys each block of query rows of one head computes. One form serves all patterns: merged key ranges plus single
// columns outside them, in compressed rows.
#pragma once

#include <cstdint>
#include <vector>

namespace minference {

struct KeyRange {
  int32_t begin;  // first key
  int32_t end;    // one past the last key
};

struct SparseIndex {
  bool dense = false;                  // the pattern covers the context; the ranges are there all the same
  std::vector<int64_t> range_offsets;  // [num_row_blocks + 1] into ranges
  std::vector<KeyRange> ranges;        // sorted, disjoint, non-adjacent within a row block
  std::vector<int32_t> columns;        // sorted, unique; the head's columns, the same for all row blocks
  // A row block computes the columns that some row of it sees (causality, local window) and none of its ranges covers.
  int64_t tiles = 0;  // see KernelGeometry
  // Attention tiles + building this index: for vertical_slash 2·head_dim for each score of the last kLastQ rows; for
  // block_sparse head_dim for each pooled row and 2·head_dim for each pooled score. Selection is not counted.
  double flops = 0;
};

}  // namespace minference
