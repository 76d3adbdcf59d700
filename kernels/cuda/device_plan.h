// What the attention kernels compute for one head, built on the device by plan/ and read by sm80/ and sm90/.
#pragma once

#include <cstdint>

#include "minference/pattern.h"

namespace minference::cuda {

// Query rows at distances first … last from the key: every row i of a row block sees the keys i - last … i - first.
// Runs that touch within a block of block_m rows are merged once for the whole head, because whether two runs' key
// ranges meet does not depend on where the block starts: first of the next <= last of this + block_m.
struct DiagonalRun {
  int32_t first;
  int32_t last;
};

// One per head and batch entry, [batch, num_heads], in device memory. The keys of a row block are: [0, prefix), the runs
// clipped to what the block sees, the kept key blocks, and the columns in none of these. dense = one run 0 … INT32_MAX.
struct DevicePlan {
  int32_t kind;    // PatternKind after the fallback to dense
  int32_t prefix;  // a_shape's sink
  const DiagonalRun* runs;  // ascending, merged
  int32_t num_runs;
  const int32_t* columns;  // ascending, unique
  int32_t num_columns;
  // block_sparse: kept key blocks (kPatternBlock keys each, ascending) of query block r: [r * blocks_stride, + counts[r])
  const int32_t* key_blocks;
  const int32_t* block_counts;
  int32_t blocks_stride;
  int64_t tiles;  // of the whole head, in units of the kernel's tile
};

}  // namespace minference::cuda
