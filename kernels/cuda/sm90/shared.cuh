// Shared memory of a thread block of the Hopper kernel, and the barriers between its producer and its consumers.
#pragma once

#include "../device_plan.h"
#include "ptx/mbarrier.cuh"

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
constexpr int kProducerWarps = 4;
constexpr int kProducerThreads = 32 * kProducerWarps;
constexpr int kConsumerWarps = 4 * kHalves;
constexpr int kThreads = kProducerThreads + 128 * kHalves;

// Named barriers (0 is __syncthreads).
constexpr int kTurnBarrier = 1;  // one for each consumer

// Whom a tile is for, bit by row block of the item; classes 1, 2 and 3.
constexpr uint32_t kForBoth = 3;
constexpr int kClasses = 3;
// What else a tile asks of the consumers.
constexpr uint32_t kMasked = 4;     // << granule: some row does not see some of its keys, compare positions
constexpr uint32_t kGathered = 64;  // written by cp.async
constexpr uint32_t kLast = 128;     // of the item
constexpr uint32_t kChosen = 256;   // << granule, without kMasked: bits tell which of its keys count
constexpr uint32_t kAnyMasked = (kMasked | kChosen) * ((1u << kGranules) - 1);
constexpr int kItems = 4;  // that producer warps may be apart

constexpr int kFillArrivals = 33;  // at the barrier of a stage

constexpr int32_t kNoKey = INT32_MAX;  // beyond every row

// A producer warp looks at so many granules of the context at a time (65,536 keys).
constexpr int kLaneWords = 2;
constexpr int kWindowWords = 32 * kLaneWords;
constexpr int kWindow = 32 * kWindowWords;

// kGranule neighbours in a head's list of columns.
struct ColumnGranule {
  alignas(16) int32_t keys[kGranule];
  int32_t row;               // of GatheredColumns: the first one's
  uint32_t wanted[kHalves];  // the columns that each row block computes, as bits
};

// What a producer warp's walk over an item needs; each has its own. Classes in the order of kForBoth.
struct WalkSpace {
  ColumnGranule columns[kClasses][kGranules];  // that wait to become a tile
  alignas(16) int32_t gathered[kKeys];         // of the tile that is being loaded
  uint32_t wanted[kHalves][kWindowWords];      // the window's granules of each row block, as bits
  uint32_t wanted_before[kHalves];             // the columns of a granule that reaches into further windows, so far
  int32_t carried[kClasses][kGranules];        // granules that filled no tile of the windows before
  uint16_t listed[kWindow];                    // the window's granules by class, from its first
};

// A tile's keys as a row block computes them.
struct TileKeys {
  alignas(16) int32_t positions[kKeys];  // kNoKey: not computed
  uint32_t wanted[kGranules];            // whether they are, as bits
};

template <int kHeadDim>
struct Shared {
  static constexpr int kPanels = kHeadDim / 64;
  static constexpr int kTileBytes = kPanels * kPanelBytes;
  // Values stay longer than keys: until their products are over, one softmax later.
  static constexpr int kKeyStages = kHeadDim == 128 ? 2 : 4;
  static constexpr int kValueStages = kHeadDim == 128 ? 3 : 4;

  unsigned char q[kTileBytes];
  unsigned char k[kKeyStages][kTileBytes];
  unsigned char v[kValueStages][kTileBytes];
  TileKeys keys[kKeyStages][kHalves];
  uint32_t flags[kKeyStages];
  WalkSpace walk[kProducerWarps];
  WorkItem items[kItems];  // taken from the schedule; block -1: no more
  WorkItem item;           // that of q, likewise
  bool has_tiles;          // of the item
  ptx::Barrier items_full[kItems], items_empty[kItems];
  ptx::Barrier q_full, q_empty;
  ptx::Barrier k_turn[kProducerWarps], v_turn[kProducerWarps];  // a producer warp may wait for its stage
  ptx::Barrier k_full[kKeyStages], k_empty[kKeyStages];
  ptx::Barrier v_full[kValueStages], v_empty[kValueStages];

  // `lanes`: of a warp that arrive where something in shared memory is given back.
  __device__ void init(uint32_t lanes) {
    ptx::barrier_init(&q_full, 1);
    ptx::barrier_init(&q_empty, kConsumerWarps * lanes);
    for (int i = 0; i < kItems; ++i) {
      ptx::barrier_init(&items_full[i], 1);
      ptx::barrier_init(&items_empty[i], kProducerWarps * lanes);
    }
    for (int i = 0; i < kProducerWarps; ++i) {
      ptx::barrier_init(&k_turn[i], 1);
      ptx::barrier_init(&v_turn[i], 1);
    }
    // Of the producer warp that fills it: one arrival for itself and one per lane for its copies.
    for (int s = 0; s < kKeyStages; ++s) {
      ptx::barrier_init(&k_full[s], kFillArrivals);
      ptx::barrier_init(&k_empty[s], kConsumerWarps * lanes);
    }
    for (int s = 0; s < kValueStages; ++s) {
      ptx::barrier_init(&v_full[s], kFillArrivals);
      ptx::barrier_init(&v_empty[s], kConsumerWarps * lanes);
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
