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
  bool dense = false;                  // every causal key; the vectors are empty
  std::vector<int64_t> range_offsets;  // [num_row_blocks + 1] into ranges
  std::vector<KeyRange> ranges;        // sorted, disjoint, non-adjacent within a row block
  std::vector<int32_t> columns;        // sorted, unique; the head's columns, the same for all row blocks
  // A row block computes the columns <= its last row that none of its ranges covers.
  int64_t tiles = 0;                   // see KernelGeometry
  double flops = 0;                    // attention tiles + building this index
};

}  // namespace minference
