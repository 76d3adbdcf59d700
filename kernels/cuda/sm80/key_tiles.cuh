// The keys of a row block, one tile after the other. The walk is done by one warp at a time and put aside in shared
// memory in between: the registers are needed for the products.
#pragma once

#include <new>

#include "shape.cuh"

namespace minference::cuda::sm80 {

// Writes the keys of the next tile to a slot.
template <typename S>
__device__ inline void walk_tile(Granules& walk, Control<S>& control, int slot) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  int32_t lowest = kNoKey, highest = 0;
#pragma unroll 1
  for (int g = 0; g < S::kKeys / kGranule; ++g) {
    const int32_t key = walk.next() && walk.key >= 0 ? walk.key : kNoKey;
    control.keys[slot][g * kGranule + lane] = key;
    // They ascend; missing ones are the last.
    lowest = min(lowest, __shfl_sync(0xffffffffu, key, 0));
    highest = max(highest, __shfl_sync(0xffffffffu, key, 31));
  }
  if (lane != 0) return;
  control.lowest[slot] = lowest;
  control.highest[slot] = highest;
}

// One warp: the first two tiles.
template <typename S>
__device__ inline void start_walk(Control<S>& control, const DevicePlan& plan, const RowBlock& block,
                                  int64_t block_index) {
  Granules walk(plan, block, block_index, control.pending);
#pragma unroll 1
  for (int slot = 0; slot < 2; ++slot) walk_tile<S>(walk, control, slot);
  if (threadIdx.x % 32 == 0) new (control.walker) Granules(walk);
}

// One warp, any: the tile after those.
template <typename S>
__device__ inline void continue_walk(Control<S>& control, int slot) {
  Granules walk(*reinterpret_cast<const Granules*>(control.walker));
  __syncwarp();
  walk_tile<S>(walk, control, slot);
  if (threadIdx.x % 32 == 0) new (control.walker) Granules(walk);
}

// What the rows first … last see of a tile.
enum class Sight { kNothing, kSome, kAll };

__device__ inline Sight sight_of(int32_t lowest, int32_t highest, int32_t first, int32_t last, int32_t window) {
  if (lowest > last || highest <= first - window) return Sight::kNothing;
  return highest <= first && lowest > last - window ? Sight::kAll : Sight::kSome;
}

}  // namespace minference::cuda::sm80
