// The loading warpgroup: takes items from the schedule, walks over their keys and fills the stages. Each warp loads
// its granule of every tile: consecutive keys by TMA, columns row by row.
#pragma once

#include "../ptx/cp_async.cuh"
#include "../ptx/named_barrier.cuh"
#include "call.cuh"
#include "tile_walk.cuh"

namespace minference::cuda::sm90 {

template <typename T, int kHeadDim>
class Producer {
  using Memory = Shared<kHeadDim>;

 public:
  __device__ Producer(const Call& call, const Maps* maps, Memory& shared) : call_(call), maps_(maps), shared_(shared) {}

  __device__ void run(const T* keys, const T* values, int64_t capacity) {
    keys_ = keys;
    values_ = values;
    capacity_ = capacity;
    int32_t next = 0;
    if (threadIdx.x == 0) next = atomicAdd(call_.schedule.next, 1);
    for (int turn = 0;; turn ^= 1) {
      if (threadIdx.x == 0) shared_.next_item[turn] = next;
      ptx::named_sync(kProducerBarrier, kProducerThreads);
      const int32_t index = shared_.next_item[turn];
      if (index >= call_.schedule.num_items) break;
      if (threadIdx.x == 0) next = atomicAdd(call_.schedule.next, 1);
      load_item(call_.schedule.items[index]);
    }
    publish({0, -1}, false);
  }

 private:
  __device__ static int warp() { return static_cast<int>(threadIdx.x / 32); }
  __device__ static int lane() { return static_cast<int>(threadIdx.x % 32); }

  __device__ void load_item(WorkItem item) {
    const int32_t b = item.head / call_.num_heads, h = item.head % call_.num_heads;
    const BatchEntry entry = call_.batch[b];
    batch_ = b;
    kv_head_ = h / (call_.num_heads / call_.num_kv_heads);
    total_ = entry.past + entry.rows;
    if (int64_t{item.block} * kRows >= entry.rows) return publish(item, false);
    const int64_t index = int64_t{item.block} * kHalves;
    const RowBlock first = RowBlock::at(index, kBlockRows, entry.past, entry.rows, call_.window);
    const RowBlock second = RowBlock::at(index + 1, kBlockRows, entry.past, entry.rows, call_.window);
    TileWalk walk(call_.plans[item.head], first, second, index, shared_.pending[warp()]);
    // One tile ahead: the last one must be known as such.
    Load load;
    uint32_t for_whom = 0;
    do {
      const bool found = walk.next();
      if (for_whom == 0) {
        publish(item, found);
      } else {
        load_tile(load, static_cast<int32_t>((for_whom & 1) != 0 ? first.first : second.first),
                  static_cast<int32_t>((for_whom & 2) != 0 ? second.last : first.last), for_whom | (found ? 0 : kLast));
      }
      load = walk.load;
      for_whom = walk.for_whom;
    } while (for_whom != 0);
  }

  // Hands the next item to the consumers, with its queries.
  __device__ void publish(WorkItem item, bool has_tiles) {
    if (threadIdx.x == 0) {
      ptx::barrier_wait(&shared_.q_empty, q_parity_ ^ 1);
      shared_.item = item;
      shared_.has_tiles = has_tiles;
      if (has_tiles) {
        ptx::barrier_expect(&shared_.q_full, Memory::kTileBytes);
        const int32_t head = item.head % call_.num_heads;
        for (int p = 0; p < Memory::kPanels; ++p) {
          ptx::tma_load_4d(shared_.q + p * kPanelBytes, &maps_->q, &shared_.q_full, 64 * p, head, item.block * kRows,
                           item.head / call_.num_heads);
        }
      } else {
        ptx::barrier_arrive(&shared_.q_full);
      }
    }
    q_parity_ ^= 1;
  }

  // For rows at first … last, all of which see whole tiles without kMasked.
  __device__ void load_tile(Load load, int32_t first, int32_t last, uint32_t flags) {
    const int stage = place_.stage;
    int32_t start = 0;
    const bool valid = place(load, start);
    ptx::barrier_wait(&shared_.k_empty[stage], place_.parity ^ 1);
    const bool whole =
        __all_sync(0xffffffffu, valid && load.key <= first && (call_.window < 0 || load.key > last - call_.window));
    shared_.positions[stage][threadIdx.x] = valid ? load.key : kNoKey;
    if (lane() == 0) {
      shared_.flags[stage][warp()] = flags | (whole ? 0 : kMasked << warp()) | (load.contiguous ? 0 : kGathered);
    }
    __syncwarp();
    fill(load, start, &maps_->k, keys_, shared_.k[stage], &shared_.k_full[stage]);
    ptx::barrier_wait(&shared_.v_empty[stage], place_.parity ^ 1);
    fill(load, start, &maps_->v, values_, shared_.v[stage], &shared_.v_full[stage]);
    place_.advance();
  }

  // TMA takes kGranule rows whatever the range: near the end of the context it takes the last ones, since rows beyond
  // may hold anything, and what lies before the granule is not used. Returns whether this lane's row is one of the
  // granule's.
  __device__ bool place(Load& load, int32_t& start) const {
    bool valid = load.key >= 0;
    if (!load.contiguous) return valid;
    if (total_ < kGranule) {
      load.contiguous = false;
      return valid;
    }
    const int32_t first = __shfl_sync(0xffffffffu, load.key, 0);
    const int32_t end = first + __popc(__ballot_sync(0xffffffffu, valid));
    start = first + kGranule <= total_ ? first : total_ - kGranule;
    load.key = start + lane();
    return load.key >= first && load.key < end;
  }

  __device__ void fill(const Load& load, int32_t start, const ptx::TensorMap* map, const T* rows, unsigned char* tile,
                       ptx::Barrier* full) {
    unsigned char* granule = tile + warp() * kGranule * kRowBytes;
    if (load.contiguous) {
      if (lane() == 0) {
        ptx::barrier_expect(full, Memory::kPanels * kGranule * kRowBytes);
        for (int p = 0; p < Memory::kPanels; ++p) {
          ptx::tma_load_4d(granule + p * kPanelBytes, map, full, 64 * p, start, kv_head_, batch_);
        }
        ptx::barrier_arrive(full, 32);
      }
      return;
    }
    constexpr int kChunks = kHeadDim / 8;  // of 16 bytes in a row
    constexpr int kRowsAtOnce = 32 / kChunks;
    const T* head = rows + (int64_t{batch_} * call_.num_kv_heads + kv_head_) * capacity_ * kHeadDim;
    const int chunk = lane() % kChunks;
    for (int r = lane() / kChunks; r < kGranule; r += kRowsAtOnce) {
      const int32_t key = __shfl_sync(0xffffffffu, load.key, r);
      unsigned char* to = granule + chunk / 8 * kPanelBytes + r * kRowBytes + ((chunk % 8) ^ (r % 8)) * 16;
      ptx::cp_async_16(to, head + (key < 0 ? 0 : int64_t{key} * kHeadDim + chunk * 8), key >= 0);
    }
    ptx::barrier_arrive_after_copies(full);
    if (lane() == 0) ptx::barrier_arrive(full);
  }

  const Call& call_;
  const Maps* maps_;
  Memory& shared_;
  const T* keys_ = nullptr;  // [batch, num_kv_heads, capacity, head_dim]
  const T* values_ = nullptr;
  int64_t capacity_ = 0;
  int32_t batch_ = 0, kv_head_ = 0, total_ = 0;
  uint32_t q_parity_ = 0;
  RingPlace<Memory::kStages> place_;
};

}  // namespace minference::cuda::sm90
