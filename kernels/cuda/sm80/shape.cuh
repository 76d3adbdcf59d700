// Sizes of the sm_80 kernel for one (padded) head size, and where things lie in shared memory.
#pragma once

#include <cstdint>

#include "../attention/granules.cuh"

namespace minference::cuda::sm80 {

constexpr int kWarps = 4;
constexpr int kThreads = 32 * kWarps;
constexpr int kNoKey = INT32_MAX;  // beyond every row: masked without a test of its own

// Rows of queries, keys or values of kHeadDim 16-bit elements, each in 16-byte chunks; chunks are XORed with the row so
// that eight rows of one chunk (ldmatrix) and the chunks of one row (stores) lie in different banks.
template <int kHeadDim>
struct Rows {
  static constexpr uint32_t kChunks = kHeadDim / 8;
  static constexpr uint32_t kPitch = kHeadDim * 2;                                      // bytes
  static constexpr uint32_t kSpread = kChunks % 8 == 0 ? 8 : kChunks % 4 == 0 ? 4 : 2;  // chunks that change places
  static_assert(kHeadDim % 16 == 0);

  __device__ static uint32_t swizzle(uint32_t row) { return row / (8 / kSpread) % kSpread; }
  __device__ static uint32_t offset(uint32_t row, uint32_t chunk) {
    return row * kPitch + ((chunk ^ swizzle(row)) << 4);
  }
  // `at` = the offset of chunk 0 or 1 of a row: moves it by 2 * pairs chunks.
  __device__ static uint32_t advance(uint32_t at, uint32_t pairs) {
    const uint32_t chunks = 2 * pairs;
    return (at ^ (chunks % kSpread << 4)) + (chunks / kSpread * kSpread << 4);
  }
};

template <int kHeadDim_>
struct Shape {
  static constexpr int kHeadDim = kHeadDim_;
  using Row = Rows<kHeadDim>;
  static constexpr int kBlockRows = kHeadDim <= 128 ? 128 : 64;
  static constexpr int kWarpRows = kBlockRows / kWarps;
  static constexpr int kRowTiles = kWarpRows / 16;         // of mma, per warp
  static constexpr int kKeys = kHeadDim <= 128 ? 64 : 32;  // per tile
  static constexpr int kKeyTiles = kKeys / 8;
  static constexpr int kBlocksPerProcessor = kHeadDim <= 64 ? 3 : 2;

  // Keys and values take turns in three slots: while one is used, the next two are on their way.
  static constexpr int kSlots = 3;
  static constexpr uint32_t kSlotBytes = kKeys * Row::kPitch;
  static constexpr uint32_t kQueryBytes = kBlockRows * Row::kPitch;
};

// What is rarely needed stays out of the registers.
template <typename S>
struct Control {
  int32_t keys[2][S::kKeys];  // of a tile and the one after it; kNoKey where there is none
  int32_t pending[2 * kGranule];
  int32_t item;  // to take next; apart from the fields below, with which the compiler would read it
  alignas(16) unsigned char walker[sizeof(Granules)];
  int32_t lowest[2];   // of these keys; kNoKey: there is no such tile
  int32_t highest[2];  // kNoKey if not all are keys
  WorkItem work;       // taken from the schedule
  int32_t rows;        // of its batch entry
  int32_t first;       // position of the row block's first row
  const void* k;       // key 0 of the cache head
  const void* v;
};

template <typename S>
struct SharedMemory {
  alignas(1024) unsigned char queries[S::kQueryBytes];  // each warp its own rows; finally its rows of the output
  unsigned char slots[S::kSlots][S::kSlotBytes];
  Control<S> control;
  static_assert(sizeof(Control<S>) <= 1024);  // two blocks of head size 128 fill the 164 KB of an A100
};

}  // namespace minference::cuda::sm80
