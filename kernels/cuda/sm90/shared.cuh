// Shared memory of a thread block of the Hopper kernel, and the barriers between its producer and its consumers.
#pragma once

#include "../device_plan.h"
#include "../ptx/mbarrier.cuh"

namespace minference::cuda::sm90 {

constexpr int kBlockRows = 64;  // query rows of a row block: one consumer's
constexpr int kHalves = 2;      // row blocks of an item
constexpr int kRows = kHalves * kBlockRows;
constexpr int kKeys = 128;  // of a tile
constexpr int kGranules = kKeys / kGranule;
constexpr int kRowBytes = 128;                  // of one swizzled row: 64 elements
constexpr int kPanelBytes = kRows * kRowBytes;  // 64 elements of all rows of a tile; a tile is kHeadDim / 64 panels
static_assert(kRows == kKeys);

// Warps 0-3 load, warps 4-7 and 8-11 compute a row block each.
constexpr int kProducerThreads = 128;
constexpr int kConsumerWarps = 4 * kHalves;
constexpr int kThreads = kProducerThreads + 128 * kHalves;
static_assert(kGranules == kProducerThreads / 32, "each producer warp loads one granule of a tile");

// Named barriers (0 is __syncthreads).
constexpr int kProducerBarrier = 1;
constexpr int kTurnBarrier = 2;  // one for each consumer

// Whom a tile is for, bit by row block of the item; classes 1, 2 and 3.
constexpr uint32_t kForBoth = 3;
constexpr int kClasses = 3;
// What else its granules ask of the consumers.
constexpr uint32_t kMasked = 4;  // << granule: some row does not see some of its keys, compare positions
constexpr uint32_t kAnyMasked = (kMasked << kGranules) - kMasked;
constexpr uint32_t kGathered = 64;  // written by cp.async
constexpr uint32_t kLast = 128;     // of the item

constexpr int32_t kNoKey = INT32_MAX;  // beyond every row

template <int kHeadDim>
struct Shared {
  static constexpr int kPanels = kHeadDim / 64;
  static constexpr int kTileBytes = kPanels * kPanelBytes;
  static constexpr int kStages = kHeadDim == 128 ? 2 : 4;

  unsigned char q[kTileBytes];
  unsigned char k[kStages][kTileBytes];
  unsigned char v[kStages][kTileBytes];
  int32_t positions[kStages][kKeys];  // of the tile's keys; kNoKey where there is none
  uint32_t flags[kStages][kGranules];
  int32_t pending[kGranules][kClasses][2 * kGranule];  // columns that the producers' walks have found
  int32_t next_item[2];
  WorkItem item;   // that of q; block -1: no more
  bool has_tiles;  // of the item
  ptx::Barrier q_full, q_empty;
  ptx::Barrier k_full[kStages], k_empty[kStages];
  ptx::Barrier v_full[kStages], v_empty[kStages];

  __device__ void init() {
    ptx::barrier_init(&q_full, 1);
    ptx::barrier_init(&q_empty, kConsumerWarps);
    for (int s = 0; s < kStages; ++s) {
      // Of a producer warp: one arrival for itself and one per lane for its copies.
      ptx::barrier_init(&k_full[s], kGranules * 33);
      ptx::barrier_init(&v_full[s], kGranules * 33);
      ptx::barrier_init(&k_empty[s], kConsumerWarps);
      ptx::barrier_init(&v_empty[s], kConsumerWarps);
    }
    ptx::barrier_init_fence();
  }
};

// A place in the ring of stages and the parity of its barriers' current phase.
template <int kStages>
struct RingPlace {
  int stage = 0;
  uint32_t parity = 0;
  __device__ void advance() {
    if (++stage == kStages) {
      stage = 0;
      parity ^= 1;
    }
  }
};

}  // namespace minference::cuda::sm90
