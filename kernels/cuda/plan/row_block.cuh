// The key ranges of one row block, from the lowest key up. Counting and attention walk over the same ones.
#pragma once

#include <cuda_runtime_api.h>

#include "../device_plan.h"
#include "minference/sparse_index.h"

namespace minference::cuda {

// Rows of one call at absolute positions past … past + rows - 1, cut into blocks of block_m.
struct RowBlock {
  int64_t first;  // positions of its first and last row
  int64_t last;
  int64_t low;   // first key that its first row sees
  bool is_full;  // block_m rows

  __host__ __device__ static RowBlock at(int64_t block, int64_t block_m, int64_t past, int64_t rows, int64_t window) {
    const int64_t begin = block * block_m, end = begin + block_m < rows ? begin + block_m : rows;
    const int64_t first = past + begin;
    return {first, past + end - 1, window < 0 || window > first ? 0 : first - window + 1, end - begin == block_m};
  }
};

// Whether a range of the block, rounded outward to multiples of `align`, holds key `column` (which the block sees).
__host__ __device__ __forceinline__ bool in_runs(const DevicePlan& plan, const RowBlock& block, int32_t column,
                                                 int32_t align = 1) {
  const DiagonalRun* runs = block.is_full ? plan.runs : plan.last_runs;
  const int32_t count = block.is_full ? plan.num_runs : plan.num_last_runs;
  const auto block_first = static_cast<int32_t>(block.first), block_last = static_cast<int32_t>(block.last);
  const auto block_low = static_cast<int32_t>(block.low);
  // A key from `from` to `to` is enough.
  int32_t from = column / align * align, to = from + align - 1;
  from = from < block_low ? block_low : from;
  to = to > block_last ? block_last : to;
  const int32_t distance = block_first - to;  // the nearest run that reaches as far back
  int32_t low = 0, high = count;
  while (low < high) {
    const int32_t middle = (low + high) / 2;
    if (runs[middle].last < distance) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < count && runs[low].first <= block_last - from;
}

// for (BlockRanges ranges(plan, block, block_index, align); ranges.next();) use(ranges.range): sorted, disjoint,
// non-adjacent, rounded outward to multiples of `align` (a power of two), every key seen by some row of the block.
class BlockRanges {
 public:
  __host__ __device__ BlockRanges(const DevicePlan& plan, const RowBlock& block, int64_t block_index, int32_t align = 1)
      : align_mask_(align - 1),
        low_(static_cast<int32_t>(block.low)),
        first_(static_cast<int32_t>(block.first)),
        end_(static_cast<int32_t>(block.last + 1)) {
    if (block.first > block.last) return;  // no rows
    runs_ = block.is_full ? plan.runs : plan.last_runs;
    left_ = block.is_full ? plan.num_runs : plan.num_last_runs;
    if (plan.kind == static_cast<int32_t>(PatternKind::kBlockSparse)) {
      blocks_ = plan.key_blocks + block_index * plan.blocks_stride;
      num_blocks_ = plan.block_counts[block_index];
    }
    if (plan.kind == static_cast<int32_t>(PatternKind::kExplicit)) {
      given_ = plan.ranges + plan.range_offsets[block_index];
      num_blocks_ = static_cast<int32_t>(plan.range_offsets[block_index + 1] - plan.range_offsets[block_index]);
    }
    prefix_ = plan.prefix < end_ ? plan.prefix : end_;
    // Of the runs that lie beyond the first key, none is seen.
    while (left_ > 0 && end_ - runs_[left_ - 1].first <= low_) --left_;
  }

  __host__ __device__ __forceinline__ bool next() {
    KeyRange found{0, 0};
    while (take(found)) {
      if (found.begin >= found.end) continue;
      range = found;
      // The prefix may run into the first run, and kept blocks into each other.
      while (peek(found) && found.begin <= range.end) {
        take(found);
        if (found.end > range.end) range.end = found.end;
      }
      return true;
    }
    return false;
  }

  KeyRange range{0, 0};

 private:
  __host__ __device__ __forceinline__ bool take(KeyRange& found) {
    if (!peek(found)) return false;
    if (prefix_ > 0) {
      prefix_ = 0;
    } else if (left_ > 0) {
      --left_;
    } else {
      ++taken_;
    }
    return true;
  }

  __host__ __device__ __forceinline__ bool peek(KeyRange& found) const {
    if (prefix_ > 0) {
      found = {low_, prefix_};
    } else if (left_ > 0) {
      const DiagonalRun run = runs_[left_ - 1];
      const int32_t begin = run.last > first_ - low_ ? low_ : first_ - run.last;
      found = {begin, end_ - run.first};
    } else if (taken_ < num_blocks_ && given_ != nullptr) {
      found = given_[taken_];
    } else if (taken_ < num_blocks_) {
      const int32_t begin = int32_t{blocks_[taken_]} * kPatternBlock, end = begin + kPatternBlock;
      found = {begin < low_ ? low_ : begin, end < end_ ? end : end_};
    } else {
      return false;
    }
    if (found.begin < found.end) found = round(found);
    return true;
  }

  __host__ __device__ __forceinline__ KeyRange round(KeyRange range) const {
    const int32_t end = (range.end + align_mask_) & ~align_mask_;
    return {range.begin & ~align_mask_, end < end_ ? end : end_};
  }

  int32_t align_mask_;
  int32_t low_, first_, end_;
  const DiagonalRun* runs_ = nullptr;
  int32_t left_ = 0;
  int32_t prefix_ = 0;
  const uint16_t* blocks_ = nullptr;
  const KeyRange* given_ = nullptr;
  int32_t num_blocks_ = 0;  // or given ranges
  int32_t taken_ = 0;
};

}  // namespace minference::cuda
