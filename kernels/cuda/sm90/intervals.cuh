// The granules that one row block computes in its ranges, as intervals that a warp reads side by side and marks in a
// bit map. What plan/row_block.cuh walks over one by one, for counting, is here taken 32 at a time.
#pragma once

#include "../plan/row_block.cuh"
#include "shared.cuh"

namespace minference::cuda::sm90 {

// How many of 0 … count - 1 satisfy `holds`, which only the first ones do. For whole warps.
template <typename Predicate>
__device__ __forceinline__ int32_t partition_point(int32_t count, Predicate&& holds) {
  const auto lane = static_cast<int32_t>(threadIdx.x % 32);
  for (int32_t found = 0;;) {
    const int32_t step = (count - found + 31) / 32, probe = found + step * (lane + 1) - 1;
    if (step == 0) return found;
    const int32_t passed = __popc(__ballot_sync(0xffffffffu, probe < count && holds(probe)));
    found += passed * step;
    if (step == 1) return found;
    count = min(count, found + step - 1);  // the next probe failed
  }
}

// Every lane of a warp holds the same.
class Intervals {
 public:
  __device__ Intervals(const DevicePlan& plan, const RowBlock& block, int64_t block_index)
      : low_(static_cast<int32_t>(block.low)),
        first_(static_cast<int32_t>(block.first)),
        end_(static_cast<int32_t>(block.last + 1)) {
    if (block.first > block.last) {  // no rows, no keys
      low_ = end_ = 0;
      return;
    }
    prefix_end_ = plan.prefix > low_ ? granules_up_to(min(plan.prefix, end_)) : 0;
    if (plan.kind == static_cast<int32_t>(PatternKind::kBlockSparse)) {
      blocks_ = plan.key_blocks + block_index * plan.blocks_stride;
      count_ = plan.block_counts[block_index];
    } else {
      runs_ = block.is_full ? plan.runs : plan.last_runs;
      // Runs that begin beyond the first key are not seen.
      count_ = partition_point(block.is_full ? plan.num_runs : plan.num_last_runs,
                               [&](int32_t i) { return end_ - runs_[i].first > low_; });
    }
    read();
  }

  // Positions of the block's first and last row.
  __device__ int32_t first_row() const { return first_; }
  __device__ int32_t last_row() const { return end_ - 1; }
  // Whether some row sees the key.
  __device__ bool sees(int32_t key) const { return low_ <= key && key < end_; }

  // The first granule at or after `granule` that may be wanted; kNoKey: none.
  __device__ int32_t next_after(int32_t granule) const {
    const int32_t begin = max(__shfl_sync(0xffffffffu, ahead_.begin, 0), granule);
    return prefix_end_ > granule ? min(begin, max(granule, low_ / kGranule)) : begin;
  }

  // Sets the bits of the granules `window` … `window + kWindow - 1` that are wanted. Windows ascend.
  __device__ void mark(int32_t window, uint32_t* bits) {
    for (int word = lane(); word < kWindowWords; word += 32) {
      bits[word] = overlap(low_ / kGranule, prefix_end_, window + 32 * word);
    }
    __syncwarp();
    for (bool more = true; more;) {
      const KeyRange found = ahead_;
      const int32_t from = max(found.begin, window) - window, to = min(found.end, window + kWindow) - window;
      for (int32_t word = from / 32; word * 32 < to; ++word) {
        atomicOr(bits + word, overlap(found.begin, found.end, window + 32 * word));
      }
      const int32_t done = __popc(__ballot_sync(0xffffffffu, found.end <= window + kWindow));
      cursor_ += done;
      if (done > 0) read();
      more = done == 32;
    }
    __syncwarp();
  }

 private:
  __device__ static int lane() { return static_cast<int>(threadIdx.x % 32); }
  __device__ static int32_t granules_up_to(int32_t end) { return (end + kGranule - 1) / kGranule; }

  // Bits of begin … end - 1 in the word that starts at granule `base`.
  __device__ static uint32_t overlap(int32_t begin, int32_t end, int32_t base) {
    const int32_t from = max(begin - base, 0), to = min(end - base, 32);
    return from < to ? 0xffffffffu >> (32 - (to - from)) << from : 0u;
  }

  // The lane's next interval, long before it is needed.
  __device__ void read() {
    const int32_t i = cursor_ + lane();
    ahead_ = i < count_ ? at(i) : KeyRange{kNoKey, kNoKey};
  }

  // Ascending in both ends, except that what lies before the first key comes out as empty.
  __device__ KeyRange at(int32_t i) const {
    int32_t begin, end;
    if (runs_ != nullptr) {
      const DiagonalRun run = runs_[count_ - 1 - i];
      begin = run.last > first_ - low_ ? low_ : first_ - run.last;
      end = end_ - run.first;
    } else {
      begin = max(int32_t{blocks_[i]} * kPatternBlock, low_);
      end = min(int32_t{blocks_[i]} * kPatternBlock + kPatternBlock, end_);
    }
    return begin < end ? KeyRange{begin / kGranule, granules_up_to(end)} : KeyRange{0, 0};
  }

  int32_t low_, first_, end_;
  int32_t prefix_end_ = 0;  // granule behind the prefix
  const DiagonalRun* runs_ = nullptr;
  const uint16_t* blocks_ = nullptr;
  int32_t count_ = 0;
  int32_t cursor_ = 0;              // the first that may reach beyond the windows so far
  KeyRange ahead_{kNoKey, kNoKey};  // number cursor_ + lane
};

}  // namespace minference::cuda::sm90
