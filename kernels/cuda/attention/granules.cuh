// The keys of one row block as a warp loads them: in granules of up to kGranule keys, first those of the ranges, then
// the columns that lie in none of them. A kernel's tile is several granules side by side.
#pragma once

#include "../plan/row_block.cuh"
#include "common/launch.cuh"

namespace minference::cuda {

// Every lane of a warp holds the same walker; `next` and `skip` are for whole warps.
class Granules {
 public:
  // `pending`: [2 * kGranule] of this warp, in shared memory.
  __device__ Granules(const DevicePlan& plan, const RowBlock& block, int64_t block_index, int32_t* pending)
      : plan_(plan), block_(block), ranges_(plan, block, block_index), pending_(pending) {
    columns_ = plan.columns;
    columns_left_ = block.low <= block.last ? plan.num_columns : 0;
    if (plan.kind == static_cast<int32_t>(PatternKind::kExplicit)) {
      columns_ += plan.column_offsets[block_index];
      columns_left_ = static_cast<int32_t>(plan.column_offsets[block_index + 1] - plan.column_offsets[block_index]);
    }
  }

  int32_t key = -1;         // this lane's; -1 if it has none, as the last lanes of the last granule of a range
  bool contiguous = false;  // key = key of lane 0 + lane

  __device__ bool next() {
    if (begin_ >= end_ && ranges_.next()) {
      begin_ = ranges_.range.begin;
      end_ = ranges_.range.end;
    }
    if (begin_ < end_) {
      const int32_t mine = begin_ + lane();
      key = mine < end_ ? mine : -1;
      begin_ += kGranule;
      contiguous = true;
      return true;
    }
    contiguous = false;
    return next_columns();
  }

 private:
  __device__ static int lane() { return static_cast<int>(threadIdx.x % 32); }

  __device__ bool next_columns() {
    while (num_pending_ < kGranule && columns_left_ > 0) collect();
    key = lane() < num_pending_ ? pending_[lane()] : -1;
    const int32_t rest = num_pending_ > kGranule ? num_pending_ - kGranule : 0;
    const bool found = num_pending_ > 0;
    const int32_t moved = lane() < rest ? pending_[kGranule + lane()] : 0;
    __syncwarp();
    if (lane() < rest) pending_[lane()] = moved;
    __syncwarp();
    num_pending_ = rest;
    return found;
  }

  // Looks at the next 32 columns.
  __device__ void collect() {
    const int32_t column = lane() < columns_left_ ? columns_[lane()] : -1;
    const bool seen = column >= block_.low && column <= block_.last && !in_runs(plan_, block_, column);
    const unsigned which = __ballot_sync(0xffffffffu, seen);
    if (seen) pending_[num_pending_ + __popc(which & ((1u << lane()) - 1))] = column;
    __syncwarp();
    num_pending_ += __popc(which);
    // Columns ascend: none is seen after the first that lies beyond the block.
    const bool beyond = __any_sync(0xffffffffu, column > block_.last);
    columns_left_ = beyond || columns_left_ < kGranule ? 0 : columns_left_ - kGranule;
    columns_ += kGranule;
  }

  const DevicePlan& plan_;
  RowBlock block_;
  BlockRanges ranges_;
  int32_t begin_ = 0, end_ = 0;
  int32_t* pending_;
  int32_t num_pending_ = 0;
  const int32_t* columns_;  // those not looked at
  int32_t columns_left_ = 0;
};

}  // namespace minference::cuda
