// How a thread block computes: keys per step, how its warps share them, what lies where in shared memory.
#pragma once

#include <cuda_runtime_api.h>

namespace minference::cuda::decode_kernels {

// kRowWarps groups of 16 query rows, times warps that share the keys of a tile.
template <int kHeadDim, int kRowWarps>
struct DecodeTile {
  // Two stages of K and V in 70 KB: three thread blocks per multiprocessor keep about 100 KB of the cache on its way,
  // three times what latency times bandwidth asks for, and GPUs with 100 KB can run one.
  static constexpr int kKeys = kHeadDim <= 64 ? 128 : kHeadDim <= 128 ? 64 : 32;
  static constexpr int kStages = 2;
  // More rows need more registers than a third of them.
  static constexpr int kBlocksPerProcessor = kHeadDim <= 128 && kRowWarps < 4 ? 3 : 2;

  static constexpr int kMostKeyWarps = 4 / kRowWarps;
  static constexpr int kKeyWarps = kMostKeyWarps * 16 <= kKeys ? kMostKeyWarps : kKeys / 16;
  static constexpr int kWarpKeys = kKeys / kKeyWarps;
  static constexpr int kThreads = 32 * kRowWarps * kKeyWarps;
  static constexpr int kRows = 16 * kRowWarps;

  // Rows are 16 bytes longer than needed: an odd number of 16-byte pieces, so that ldmatrix meets no bank twice.
  static constexpr int kStride = kHeadDim + 8;
  static constexpr int kTileElements = kKeys * kStride;
  // Larger queries do not fit into registers beside the output.
  static constexpr bool kQueriesInRegisters = kHeadDim <= 128;

  // Elements from the start of shared memory. Queries that go to registers pass through the last stage, which is not
  // filled before all have them.
  __host__ __device__ static constexpr int keys_at(int stage) { return 2 * stage * kTileElements; }
  __host__ __device__ static constexpr int values_at(int stage) { return keys_at(stage) + kTileElements; }
  static constexpr int kQueriesAt = 2 * kTileElements * (kQueriesInRegisters ? kStages - 1 : kStages);
  static constexpr int kSharedBytes = 2 * (2 * kTileElements * kStages + (kQueriesInRegisters ? 0 : kRows * kStride));

  // The merge of the warps takes the stages' place: statistics, then the output in floats.
  static constexpr int kStatsBytes = kKeyWarps * kRows * 8;
  static_assert(kStatsBytes + kRows * kStride * 4 <= kSharedBytes);
  static_assert(kRows * kStride <= 2 * kTileElements);
  static_assert(kKeys * kHeadDim / 8 % kThreads == 0 && kWarpKeys % 16 == 0 && kHeadDim % 16 == 0);
};

}  // namespace minference::cuda::decode_kernels
