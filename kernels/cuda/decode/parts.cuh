// Attention of all query rows of one KV head over one part of the keys. A thread block streams its keys and values
// through shared memory; its warps share the rows and the keys of a tile and are merged at the end.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>

#include "../common/check.h"
#include "../common/device.h"
#include "load.cuh"
#include "parts.h"
#include "warp_merge.cuh"
#include "warp_tile.cuh"

namespace minference::cuda::decode_kernels {

// grid: part of the keys, KV head, batch entry
template <typename T, int kHeadDim, int kRowWarps>
__global__ void __launch_bounds__(DecodeTile<kHeadDim, kRowWarps>::kThreads,
                                  DecodeTile<kHeadDim, kRowWarps>::kBlocksPerProcessor)
    parts_kernel(const __grid_constant__ DecodeWork work) {
  using Tile = DecodeTile<kHeadDim, kRowWarps>;
  const DecodeEntry& entry = work.entries[blockIdx.z];
  const int part = static_cast<int>(blockIdx.x), kv_head = static_cast<int>(blockIdx.y);
  if (part >= entry.splits) return;
  const int batch = work.first_batch + static_cast<int>(blockIdx.z);
  const int64_t tiles = (entry.end - entry.begin + Tile::kKeys - 1) / Tile::kKeys;
  const auto from = static_cast<int32_t>(tiles * part / entry.splits);
  const auto to = static_cast<int32_t>(tiles * (part + 1) / entry.splits);
  const auto position = [&](int32_t tile) { return entry.begin + tile * Tile::kKeys; };

  T* shared = reinterpret_cast<T*>(dynamic_shared());
  const int64_t cache = (int64_t{batch} * work.num_kv_heads + kv_head) * work.kv_stride_head;
  const TileLoader<T, Tile, kHeadDim> loader{static_cast<const T*>(work.k) + cache,
                                             static_cast<const T*>(work.v) + cache, entry.end, shared};
  const auto load_first = [&] {
    for (int stage = 0; stage < Tile::kStages - 1; ++stage) {
      if (from + stage < to) loader.load(position(from + stage), stage);
      ptx::cp_async_commit();
    }
  };
  load_first();
  load_queries<T, Tile, kHeadDim>(work, entry, batch, kv_head, shared + Tile::kQueriesAt);
  __syncthreads();

  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const int row_warp = warp % kRowWarps, key_warp = warp / kRowWarps;
  WarpTile<T, Tile, kHeadDim> warp_tile(shared + Tile::kQueriesAt + row_warp * 16 * Tile::kStride, lane);
  const ScoreScale scale{work.scale, work.cap};
  RowLimits limits[2];
  for (int i = 0; i < 2; ++i) {
    const int row = (row_warp * 16 + lane / 4 + 8 * i) / work.group;
    limits[i].high = entry.past + row;
    limits[i].low = work.window < 0 ? 0 : limits[i].high - work.window + 1;
  }
  // Keys that every row of the call sees.
  const int32_t all_low = work.window < 0 ? 0 : entry.past + entry.rows - work.window, all_high = entry.past;

  const auto add_tiles = [&](auto is_careful) {
    constexpr bool kCareful = decltype(is_careful)::value;
    for (int32_t tile = from; tile < to; ++tile) {
      const int stage = (tile - from) % Tile::kStages;
      ptx::cp_async_wait<Tile::kStages - 2>();
      __syncthreads();  // the tile is there for all, and all are done with the one before
      const int32_t next = tile + Tile::kStages - 1;
      if (next < to) loader.load(position(next), (next - from) % Tile::kStages);
      ptx::cp_async_commit();

      const int32_t first = position(tile) + key_warp * Tile::kWarpKeys;
      const T* keys = shared + Tile::keys_at(stage) + key_warp * Tile::kWarpKeys * Tile::kStride;
      const T* values = shared + Tile::values_at(stage) + key_warp * Tile::kWarpKeys * Tile::kStride;
      if (!kCareful && first >= all_low && first + Tile::kWarpKeys - 1 <= all_high) {
        warp_tile.template add<false, kCareful>(keys, values, scale, first, limits);
      } else {
        warp_tile.template add<true, kCareful>(keys, values, scale, first, limits);
      }
    }
    ptx::cp_async_wait<0>();
    warp_tile.finish();
  };
  add_tiles(std::false_type{});
  // That may be right, or come of values of keys that a row does not see.
  if (__syncthreads_or(warp_tile.is_spoiled())) {
    warp_tile.clear();
    load_first();
    add_tiles(std::true_type{});
    __syncthreads();
  }

  const int rows = work.seqlen_q * work.group;
  const int64_t first_row = (int64_t{entry.first_part} + kv_head * entry.splits + part) * rows;
  merge_warps<Tile, kHeadDim>(warp_tile, row_warp, key_warp, dynamic_shared(), rows, work.part_stats + first_row,
                              work.part_out + first_row * kHeadDim);
}

// Resident blocks of the whole current device; asked once per kernel and device.
template <typename T, int kHeadDim, int kRowWarps>
int32_t resident_blocks() {
  using Tile = DecodeTile<kHeadDim, kRowWarps>;
  static std::array<std::atomic<int32_t>, 64> known{};
  int device = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  std::atomic<int32_t>& count = known[static_cast<size_t>(device) % known.size()];
  if (count != 0) return count;
  const auto* kernel = reinterpret_cast<const void*>(&parts_kernel<T, kHeadDim, kRowWarps>);
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, Tile::kSharedBytes),
        "asking for shared memory");
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributePreferredSharedMemoryCarveout, cudaSharedmemCarveoutMaxShared),
        "asking for shared memory");
  int blocks = 0;
  check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, Tile::kThreads, Tile::kSharedBytes),
        "asking how many thread blocks fit");
  return count = std::max(1, blocks * device_facts().multiprocessors);
}

// fn(type, groups of 16 rows)
template <typename Fn>
auto dispatch_rows(int64_t rows, DataType dtype, Fn&& fn) {
  return dispatch_half(dtype, [&](auto type) {
    if (rows <= 16) return fn(type, std::integral_constant<int, 1>{});
    if (rows <= 32) return fn(type, std::integral_constant<int, 2>{});
    return fn(type, std::integral_constant<int, 4>{});
  });
}

template <int kHeadDim>
DecodeCapacity Parts<kHeadDim>::capacity(int64_t rows, DataType dtype) {
  return dispatch_rows(rows, dtype, [](auto type, auto row_warps) {
    using T = typename decltype(type)::type;
    constexpr int kRowWarps = decltype(row_warps)::value;
    return DecodeCapacity{DecodeTile<kHeadDim, kRowWarps>::kKeys, resident_blocks<T, kHeadDim, kRowWarps>()};
  });
}

template <int kHeadDim>
void Parts<kHeadDim>::launch(const DecodeWork& work, DataType dtype, cudaStream_t stream) {
  int32_t splits = 0;
  for (int32_t i = 0; i < work.num_entries; ++i) splits = std::max(splits, work.entries[i].splits);
  if (splits == 0) return;
  const dim3 grid(static_cast<unsigned>(splits), static_cast<unsigned>(work.num_kv_heads),
                  static_cast<unsigned>(work.num_entries));
  dispatch_rows(work.seqlen_q * work.group, dtype, [&](auto type, auto row_warps) {
    using T = typename decltype(type)::type;
    constexpr int kRowWarps = decltype(row_warps)::value;
    using Tile = DecodeTile<kHeadDim, kRowWarps>;
    cuda::launch(parts_kernel<T, kHeadDim, kRowWarps>, grid, dim3(Tile::kThreads), Tile::kSharedBytes, stream, work);
  });
}

}  // namespace minference::cuda::decode_kernels
