// The keys of a row block, one tile after the other. The walk is done by one warp at a time and put aside in shared
// memory in between: the registers are needed for the products.
#pragma once

#include <new>

#include "shape.cuh"

namespace minference::cuda::sm80 {

// Keys of the next tile and how much of it the rows see.
template <typename S>
__device__ inline void walk_tile(Granules& walk, Control<S>& control, int slot, int32_t first, int32_t last,
                                 int32_t window) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  bool is_visible = true, has_keys = false;
#pragma unroll 1
  for (int g = 0; g < S::kKeys / kGranule; ++g) {
    const bool found = walk.next();
    const int32_t key = found && walk.key >= 0 ? walk.key : kNoKey;
    control.keys[slot][g * kGranule + lane] = key;
    has_keys = has_keys || found;
    is_visible = is_visible && key <= first && key > last - window;
  }
  const bool all_visible = __all_sync(0xffffffffu, is_visible);
  if (lane == 0) control.state[slot] = !has_keys ? kNoTile : all_visible ? kAllVisible : kMasked;
}

// One warp: the first two tiles.
template <typename S>
__device__ inline void start_walk(Control<S>& control, const DevicePlan& plan, const RowBlock& block,
                                  int64_t block_index, int32_t window) {
  Granules walk(plan, block, block_index, control.pending);
  const auto first = static_cast<int32_t>(block.first), last = static_cast<int32_t>(block.last);
#pragma unroll 1
  for (int slot = 0; slot < 2; ++slot) walk_tile<S>(walk, control, slot, first, last, window);
  if (threadIdx.x % 32 != 0) return;
  new (control.walker) Granules(walk);
  control.first = first;
  control.last = last;
}

// One warp, any: the tile after those.
template <typename S>
__device__ inline void continue_walk(Control<S>& control, int slot, int32_t window) {
  Granules walk(*reinterpret_cast<const Granules*>(control.walker));
  __syncwarp();
  walk_tile<S>(walk, control, slot, control.first, control.last, window);
  if (threadIdx.x % 32 == 0) new (control.walker) Granules(walk);
}

}  // namespace minference::cuda::sm80
