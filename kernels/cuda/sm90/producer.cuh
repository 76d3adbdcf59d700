// The loading warpgroup. Each of its warps takes every item from the schedule and walks over all its tiles, but loads
// only every fourth: keys and values of several tiles are on their way at a time, and no warp waits for another.
#pragma once

#include "call.cuh"
#include "ptx/cp_async.cuh"
#include "tile_walk.cuh"

namespace minference::cuda::sm90 {

template <typename T, int kHeadDim>
class Producer {
  using Memory = Shared<kHeadDim>;

 public:
  __device__ Producer(const Call& call, const Maps* maps, Memory& shared)
      : call_(call), maps_(maps), shared_(shared), warp_(__shfl_sync(0xffffffffu, threadIdx.x / 32, 0)) {}

  __device__ void run(const T* keys, const T* values, int64_t capacity) {
    keys_ = keys;
    values_ = values;
    capacity_ = capacity;
    if (announces()) {
      next_ = atomicAdd(call_.queue.next, 1);
      announce_item(0);
    }
    for (;; ++items_before_) {
      if (announces()) announce_item(items_before_ + 1);
      const uint32_t place = items_before_ % kItems;
      ptx::barrier_wait(&shared_.items_full[place], items_before_ / kItems & 1);
      const WorkItem item = shared_.items[place];
      __syncwarp();
      if (lane() == 0 || call_.every_lane_arrives) ptx::barrier_arrive(&shared_.items_empty[place]);
      if (item.block < 0) break;
      load_item(item);
    }
    publish({0, -1}, false);
  }

 private:
  __device__ static int lane() { return static_cast<int>(threadIdx.x % 32); }
  // One thread takes items from the schedule and hands queries to the consumers.
  __device__ bool announces() const { return threadIdx.x == 0; }

  // One item ahead, so that no warp waits for the one that announces.
  __device__ void announce_item(uint32_t number) {
    const uint32_t place = number % kItems;
    ptx::barrier_wait(&shared_.items_empty[place], (number / kItems & 1) ^ 1);
    shared_.items[place] = next_ < call_.queue.num_items ? call_.queue.items[next_] : WorkItem{0, -1};
    ptx::barrier_arrive(&shared_.items_full[place]);
    next_ = atomicAdd(call_.queue.next, 1);
  }

  __device__ void load_item(WorkItem item) {
    const int32_t b = item.head / call_.num_heads, h = item.head % call_.num_heads;
    const BatchEntry entry = call_.batch[b];
    batch_ = b;
    kv_head_ = h / (call_.num_heads / call_.num_kv_heads);
    total_ = entry.past + entry.rows;
    if (int64_t{item.block} * kRows >= entry.rows) return publish(item, false);
    const int64_t index = int64_t{item.block} * kHalves;
    const int32_t mine = (warp_ - tiles_before_ % kProducerWarps + kProducerWarps) % kProducerWarps;
    TileWalk walk(call_.plans[item.head], RowBlock::at(index, kBlockRows, entry.past, entry.rows, call_.window),
                  RowBlock::at(index + 1, kBlockRows, entry.past, entry.rows, call_.window), index, mine,
                  shared_.walk[warp_]);
    for (bool is_first = true; walk.next(); is_first = false) {
      if (is_first) publish(item, true);
      load_tile(walk.tile, walk.first_row_of(walk.tile.for_whom), walk.last_row_of(walk.tile.for_whom),
                walk.tile.for_whom | (walk.is_last ? kLast : 0), tiles_before_ + walk.number);
    }
    if (mine >= walk.num_tiles()) publish(item, walk.num_tiles() > 0);
    tiles_before_ += walk.num_tiles();
  }

  // Hands the item to the consumers, with its queries.
  __device__ void publish(WorkItem item, bool has_tiles) {
    if (!announces()) return;
    ptx::barrier_wait(&shared_.q_empty, (items_before_ & 1) ^ 1);
    shared_.item = item;
    shared_.has_tiles = has_tiles;
    if (!has_tiles) return ptx::barrier_arrive(&shared_.q_full);
    ptx::barrier_expect(&shared_.q_full, Memory::kTileBytes);
    const int32_t head = item.head % call_.num_heads;
    for (int p = 0; p < Memory::kPanels; ++p) {
      ptx::tma_load_4d(shared_.q + p * kPanelBytes, &maps_->q, &shared_.q_full, 64 * p, head, item.block * kRows,
                       item.head / call_.num_heads);
    }
  }

  // For rows at first … last, all of which see whole tiles without kMasked; `number` counts all tiles of the launch.
  __device__ void load_tile(Tile tile, int32_t first, int32_t last, uint32_t flags, uint32_t number) {
    const bool gathers = place(tile);
    // A row block that the tile is not for does not look.
    const uint32_t wanted =
        tile.wanted | ((flags & 1) != 0 ? 0 : kLaneBits) | ((flags & 2) != 0 ? 0 : kLaneBits << kLaneKeys);
    const bool is_seen = tile.keys.w <= first && (call_.window < 0 || tile.keys.x > last - call_.window);
    const unsigned seen = __ballot_sync(0xffffffffu, is_seen);
    const unsigned whole = __ballot_sync(0xffffffffu, wanted == (kLaneBits | kLaneBits << kLaneKeys));
#pragma unroll
    for (int g = 0; g < kGranules; ++g) {
      if ((seen >> 8 * g & 0xffu) != 0xffu) {
        flags |= kMasked << g;
      } else if ((whole >> 8 * g & 0xffu) != 0xffu) {
        flags |= kChosen << g;
      }
    }
    const uint32_t wanted_next = __shfl_down_sync(0xffffffffu, tile.wanted, 1);
    const uint32_t k_stage = number % Memory::kKeyStages, v_stage = number % Memory::kValueStages;
    wait_for_stage(shared_.k_turn, &shared_.k_empty[k_stage], number, number / Memory::kKeyStages);
#pragma unroll
    for (int half = 0; half < kHalves; ++half) {
      reinterpret_cast<int4*>(shared_.keys[k_stage][half].positions)[lane()] =
          chosen(tile.keys, tile.wanted >> kLaneKeys * half);
      if (lane() % 2 == 0) {
        reinterpret_cast<uint8_t*>(shared_.keys[k_stage][half].wanted)[lane() / 2] = static_cast<uint8_t>(
            (tile.wanted >> kLaneKeys * half & kLaneBits) | (wanted_next >> kLaneKeys * half & kLaneBits) << kLaneKeys);
      }
    }
    if (lane() == 0) shared_.flags[k_stage] = flags | (gathers ? kGathered : 0);
    __syncwarp();
    if (gathers) {
      gather(keys_, shared_.k[k_stage], &shared_.k_full[k_stage]);
    } else {
      load(tile, maps_->keys, maps_->column_keys, shared_.k[k_stage], &shared_.k_full[k_stage]);
    }
    wait_for_stage(shared_.v_turn, &shared_.v_empty[v_stage], number, number / Memory::kValueStages);
    if (gathers) {
      gather(values_, shared_.v[v_stage], &shared_.v_full[v_stage]);
    } else {
      load(tile, maps_->values, maps_->column_values, shared_.v[v_stage], &shared_.v_full[v_stage]);
    }
  }

  // The keys whose bits are set, kNoKey in the place of others.
  __device__ __forceinline__ static int4 chosen(int4 keys, uint32_t bits) {
    return make_int4((bits & 1) != 0 ? keys.x : kNoKey, (bits & 2) != 0 ? keys.y : kNoKey,
                     (bits & 4) != 0 ? keys.z : kNoKey, (bits & 8) != 0 ? keys.w : kNoKey);
  }

  // Until the stage is empty for tile `number`, the stage's tile `use`. The warps wait in the order of their tiles: a
  // barrier tells a phase only from the one before, so none may wait for a stage before the tile that had it last has
  // been let in.
  __device__ void wait_for_stage(ptx::Barrier* turns, ptx::Barrier* empty, uint32_t number, uint32_t use) {
    const uint32_t mine = number / kProducerWarps;
    ptx::barrier_wait(&turns[warp_], (warp_ == 0 ? mine + 1 : mine) & 1);
    ptx::barrier_wait(empty, (use & 1) ^ 1);
    __syncwarp();
    if (lane() == 0) ptx::barrier_arrive(&turns[(warp_ + 1) % kProducerWarps]);
  }

  // Keys become those that are loaded. TMA takes whole granules, also at the end of the context: there it takes the
  // last rows, since those beyond may hold anything; of these, keys before the granule do not count. Returns whether
  // the context has not even a granule, so that each row must be loaded for itself.
  __device__ bool place(Tile& tile) const {
    const int32_t at = kLaneKeys * (lane() % 8);
    const bool is_range = tile.begin != kNothing && (tile.columns >> lane() / 8 & 1) == 0;
    const auto keep = [&](uint32_t bits) { tile.wanted &= bits | bits << kLaneKeys; };
    if (total_ < kGranule) {
      if (is_range) keep(kLaneBits >> min(max(at + kLaneKeys - total_, 0), kLaneKeys));
      __syncwarp();
      reinterpret_cast<int4*>(shared_.walk[warp_].gathered)[lane()] =
          chosen(tile.keys, tile.wanted | tile.wanted >> kLaneKeys);
      __syncwarp();
      return true;
    }
    const int32_t moved = is_range ? max(tile.begin + kGranule - total_, 0) : 0;
    keep(kLaneBits << min(max(moved - at, 0), kLaneKeys) & kLaneBits);
    tile.begin -= moved;
    tile.keys = make_int4(tile.keys.x - moved, tile.keys.y - moved, tile.keys.z - moved, tile.keys.w - moved);
    return false;
  }

  __device__ __forceinline__ void load(const Tile& tile, const RowMaps& rows, const RowMaps& columns, unsigned char* to,
                                       ptx::Barrier* full) {
    int32_t begins[kGranules];
#pragma unroll
    for (int g = 0; g < kGranules; ++g) begins[g] = __shfl_sync(0xffffffffu, tile.begin, 8 * g);
    if (call_.every_lane_arrives) ptx::barrier_arrive(full);
    if (lane() != 0) return;
    ptx::barrier_expect(full, Memory::kTileBytes);
    const bool all_columns = tile.columns == (1u << kGranules) - 1;
    const bool consecutive = begins[1] - begins[0] == kGranule && begins[2] - begins[1] == kGranule &&
                             begins[3] - begins[2] == kGranule && (tile.columns == 0 || all_columns);
#pragma unroll
    for (int p = 0; p < Memory::kPanels; ++p) {
      if (consecutive) {
        ptx::tma_load_4d(to + p * kPanelBytes, all_columns ? &columns.tile : &rows.tile, full, 64 * p, begins[0],
                         all_columns ? 0 : kv_head_, all_columns ? 0 : batch_);
        continue;
      }
#pragma unroll
      for (int g = 0; g < kGranules; ++g) {
        const bool is_column = (tile.columns >> g & 1) != 0;
        ptx::tma_load_4d(to + p * kPanelBytes + g * kGranule * kRowBytes, is_column ? &columns.granule : &rows.granule,
                         full, 64 * p, begins[g], is_column ? 0 : kv_head_, is_column ? 0 : batch_);
      }
    }
    if (!call_.every_lane_arrives) ptx::barrier_arrive(full, kFillArrivals - 1);
  }

  // Row by row into the layout that TMA swizzles into; zeros where there is no key.
  __device__ void gather(const T* rows, unsigned char* to, ptx::Barrier* full) {
    constexpr int kChunks = kHeadDim / 8;  // of 16 bytes in a row
    constexpr int kAtOnce = 32 / kChunks;  // rows
    const int chunk = lane() % kChunks, first = lane() / kChunks;
    const int32_t* keys = shared_.walk[warp_].gathered;
    const T* from = rows + (int64_t{batch_} * call_.num_kv_heads + kv_head_) * capacity_ * kHeadDim + chunk * 8;
    to += chunk / 8 * kPanelBytes;
    for (int row = first; row < kKeys; row += kAtOnce) {
      const int32_t key = keys[row];
      const bool valid = key != kNoKey;
      ptx::cp_async_16(to + row * kRowBytes + ((chunk % 8) ^ (row % 8)) * 16,
                       from + int64_t{valid ? key : 0} * kHeadDim, valid);
    }
    if (lane() == 0) ptx::barrier_arrive(full);
    ptx::barrier_arrive_after_copies(full);
  }

  const Call& call_;
  const Maps* maps_;
  Memory& shared_;
  const uint32_t warp_;
  const T* keys_ = nullptr;  // [batch, num_kv_heads, capacity, head_dim]
  const T* values_ = nullptr;
  int64_t capacity_ = 0;
  int32_t batch_ = 0, kv_head_ = 0, total_ = 0;
  uint32_t items_before_ = 0, tiles_before_ = 0;
  int32_t next_ = 0;  // of the schedule
};

}  // namespace minference::cuda::sm90
