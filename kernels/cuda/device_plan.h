// What the attention kernels compute for one head, built on the device by plan/ and read by sm80/ and sm90/.
#pragma once

#include <cstdint>

#include "minference/pattern.h"
#include "minference/sparse_index.h"

namespace minference::cuda {

constexpr int32_t kGranule = 32;  // keys that the attention kernels take together; tiles are counted in them

// Query rows at distances first … last from the key: every row i of a row block sees the keys i - last … i - first.
// Runs whose key ranges touch are merged: first of the next <= last of this + rows of the block.
struct DiagonalRun {
  int32_t first;
  int32_t last;
};

// One per head and batch entry, [batch, num_heads], in device memory. The keys of a row block are: [0, prefix), the
// runs clipped to what the block sees, the kept key blocks or given ranges, and the columns in none of these;
// plan/row_block.cuh walks over them. dense = one run 0 … INT32_MAX.
struct DevicePlan {
  int32_t kind;             // PatternKind after the fallback to dense
  int32_t prefix;           // a_shape's sink
  const DiagonalRun* runs;  // ascending, merged for blocks of block_m rows
  int32_t num_runs;
  // The same for the last row block when it has fewer rows (it merges fewer): else equal to the above.
  int32_t num_last_runs;
  const DiagonalRun* last_runs;
  const int32_t* columns;  // ascending, unique
  int32_t num_columns;
  int32_t blocks_stride;
  int64_t column_row;  // of GatheredColumns: the first column's; 64 bits leave no hole in the record
  // block_sparse: kept key blocks (kPatternBlock keys each, ascending, unique) of row block r (block_m rows: the union
  // of its query blocks'): key_blocks[r * blocks_stride … + block_counts[r])
  const uint16_t* key_blocks;
  const int32_t* block_counts;
  // explicit: row block r (block_m rows) has ranges[range_offsets[r] … range_offsets[r + 1]), which are clipped to what
  // it sees, and columns[column_offsets[r] … column_offsets[r + 1]), which it sees and no range of its own covers.
  const KeyRange* ranges;
  const int64_t* range_offsets;
  const int64_t* column_offsets;
  int64_t tiles;  // of the whole head, in units of the kernel's tile
};
static_assert(sizeof(DevicePlan) == 104, "no holes: plans are downloaded whole");

// Keys and values of the columns of all vertical_slash heads that stayed so, [rows, head_dim], each head's at multiples
// of kGranule rows and zeros up to the next one: for kernels that take columns in place.
struct GatheredColumns {
  void* keys;
  void* values;
  int64_t rows;
};

// Neighbouring row blocks of one head (KernelGeometry::blocks_per_item): what a thread block of the persistent
// attention grid takes at a time.
struct WorkItem {
  int32_t head;   // batch * num_heads + head
  int32_t block;  // the item's number within the head
};

// All items of the padded call, per head and batch entry, longest first. Those past a batch entry's new_lens come last;
// they hold padding rows only.
struct Schedule {
  const WorkItem* items;
  int64_t num_items;
};

}  // namespace minference::cuda
