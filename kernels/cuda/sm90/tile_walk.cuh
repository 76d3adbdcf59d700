// The keys of an item's two row blocks, in tiles. A tile holds granules of one class: keys that the first row block
// computes, the second, or both; so each consumer multiplies only what its own rows want, and nothing is loaded twice.
#pragma once

#include "../attention/granules.cuh"
#include "shared.cuh"

namespace minference::cuda::sm90 {

// One granule of a tile, as the warp loads it that is responsible for it.
struct Load {
  int32_t key = -1;         // this lane's; -1: none
  bool contiguous = false;  // key of lane 0 + lane
};

// Intervals of granules that one row block computes, ascending.
class GranuleIntervals {
 public:
  __device__ GranuleIntervals(const DevicePlan& plan, const RowBlock& block, int64_t block_index)
      : ranges_(plan, block, block_index, kGranule) {}

  // The one that holds `granule`, or else the next.
  __device__ __forceinline__ void move_to(int32_t granule) {
    if (end > granule) return;
    const bool found = ranges_.next();
    begin = found ? ranges_.range.begin / kGranule : kNoKey;
    end = found ? (ranges_.range.end + kGranule - 1) / kGranule : kNoKey;
  }
  __device__ bool holds(int32_t granule) const { return begin <= granule && granule < end; }
  // Of what begins at `granule`, held or not.
  __device__ int32_t until(int32_t granule) const { return begin <= granule ? end : begin; }

  int32_t begin = 0, end = 0;  // kNoKey: there are no more

 private:
  BlockRanges ranges_;
};

// for (TileWalk walk(…); walk.next();) use(walk.load, walk.for_whom): every warp of the producer walks, and `load` is
// the warp's own granule.
class TileWalk {
 public:
  // `pending`: [kClasses][2 * kGranule] of this warp, in shared memory.
  __device__ TileWalk(const DevicePlan& plan, const RowBlock& first, const RowBlock& second, int64_t first_index,
                      int32_t (*pending)[2 * kGranule])
      : plan_(plan),
        first_(first),
        second_(second),
        first_ranges_(plan, first, first_index),
        second_ranges_(plan, second, first_index + 1),
        last_(static_cast<int32_t>(second.first <= second.last ? second.last : first.last)),
        pending_(pending),
        columns_left_(plan.num_columns) {}

  Load load;
  uint32_t for_whom = 0;

  // All ranges first, then the columns, at the end what is left of each class.
  __device__ __forceinline__ bool next() {
    for_whom = 0;
    while (for_whom == 0) {
      if (next_range() || next_columns(columns_left_ > 0 ? kGranule : 1)) continue;
      if (columns_left_ == 0) {
        finish_rest();
        break;
      }
      collect();
    }
    return for_whom != 0;
  }

 private:
  __device__ static int warp() { return static_cast<int>(threadIdx.x / 32); }
  __device__ static int lane() { return static_cast<int>(threadIdx.x % 32); }

  // Of one class: columns that wait in shared memory, and the tile in the making.
  struct Class {
    uint32_t whom;
    int32_t num_pending = 0, num_granules = 0;
    Load own{};  // the warp's own granule, once the tile has it
  };

  // One after the other, until `use` returns true; returns whether it did. (An array would have to lie in memory.)
  template <typename Use>
  __device__ __forceinline__ bool for_each_class(Use&& use) {
    return use(first_only_) || use(second_only_) || use(both_);
  }
  __device__ int32_t* pending_of(const Class& c) const { return pending_[c.whom - 1]; }

  // Consecutive granules of one class, as many as the tile has room for.
  __device__ __forceinline__ bool next_range() {
    first_ranges_.move_to(granule_);
    second_ranges_.move_to(granule_);
    granule_ = max(granule_, min(first_ranges_.begin, second_ranges_.begin));
    if (granule_ == kNoKey) return false;
    const uint32_t whom = (first_ranges_.holds(granule_) ? 1u : 0u) | (second_ranges_.holds(granule_) ? 2u : 0u);
    const int32_t until = min(first_ranges_.until(granule_), second_ranges_.until(granule_));
    for_each_class([&](Class& c) {
      if (c.whom != whom) return false;
      const int32_t count = min(kGranules - c.num_granules, until - granule_);
      const int32_t key = (granule_ + warp() - c.num_granules) * kGranule + lane();
      granule_ += count;
      add(c, count, {key <= last_ ? key : -1, true});
      return true;
    });
    return true;
  }

  // A granule of columns of any class that has `least` of them.
  __device__ __forceinline__ bool next_columns(int32_t least) {
    return for_each_class([&](Class& c) {
      if (c.num_pending < least) return false;
      int32_t* pending = pending_of(c);
      const int32_t key = lane() < c.num_pending ? pending[lane()] : -1;
      const int32_t rest = max(c.num_pending - kGranule, 0);
      const int32_t moved = lane() < rest ? pending[kGranule + lane()] : 0;
      __syncwarp();
      if (lane() < rest) pending[lane()] = moved;
      __syncwarp();
      c.num_pending = rest;
      add(c, 1, {key, false});
      return true;
    });
  }

  // Looks at the next 32 columns; no class has as many pending.
  __device__ __forceinline__ void collect() {
    const int32_t column = lane() < columns_left_ ? plan_.columns[plan_.num_columns - columns_left_ + lane()] : -1;
    const uint32_t whom = (wants_column(first_, column) ? 1u : 0u) | (wants_column(second_, column) ? 2u : 0u);
    // Columns ascend: none is seen after the first that lies beyond the rows.
    const bool beyond = __any_sync(0xffffffffu, column > last_);
    columns_left_ = beyond ? 0 : max(columns_left_ - kGranule, 0);
    for_each_class([&](Class& c) {
      const unsigned which = __ballot_sync(0xffffffffu, whom == c.whom);
      if (whom == c.whom) pending_of(c)[c.num_pending + __popc(which & ((1u << lane()) - 1))] = column;
      c.num_pending += __popc(which);
      return false;
    });
    __syncwarp();
  }

  __device__ __forceinline__ bool wants_column(const RowBlock& block, int32_t column) const {
    return column >= block.low && column <= block.last && block.first <= block.last &&
           !in_runs(plan_, block, column, kGranule);
  }

  // `own`: what this warp loads if its granule is among these.
  __device__ __forceinline__ void add(Class& c, int32_t count, Load own) {
    if (c.num_granules <= warp() && warp() < c.num_granules + count) c.own = own;
    c.num_granules += count;
    if (c.num_granules == kGranules) finish_tile(c);
  }

  __device__ __forceinline__ void finish_tile(Class& c) {
    for_whom = c.whom;
    load = c.num_granules > warp() ? c.own : Load{};
    c.num_granules = 0;
  }

  __device__ __forceinline__ void finish_rest() {
    for_each_class([&](Class& c) {
      if (c.num_granules == 0) return false;
      finish_tile(c);
      return true;
    });
  }

  const DevicePlan& plan_;
  const RowBlock first_, second_;
  GranuleIntervals first_ranges_, second_ranges_;
  int32_t granule_ = 0;  // the next one
  int32_t last_;         // position of the item's last row
  int32_t (*pending_)[2 * kGranule];
  int32_t columns_left_;
  Class first_only_{1}, second_only_{2}, both_{kForBoth};
};

}  // namespace minference::cuda::sm90
