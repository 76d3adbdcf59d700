#include <algorithm>

#include "../common/dtype.cuh"
#include "common/launch.cuh"
#include "estimate.h"
#include "last_rows.cuh"
#include "ptx/math.cuh"
#include "tile_sums.cuh"
#include "upload.h"

namespace minference::cuda {
namespace {

constexpr int64_t kSegments = 64;  // unless their tiles become too few or too many
constexpr int64_t kLeastTiles = 8, kMostTiles = 64;
constexpr int kTotalThreads = 512;

int64_t segment_tiles(int64_t total) {
  const int64_t tiles = (total + kTile - 1) / kTile;
  return std::clamp((tiles + kSegments - 1) / kSegments, kLeastTiles, kMostTiles);
}

// Maximum and sum of exp2((score - maximum) * unit), also of two sets of keys together. The difference comes first: a
// row that sees one key has the probability 1 there, exactly, and such keys tie.
struct RowSum {
  float max, sum;
  __device__ void add(float2 part, float unit) {
    const float larger = fmaxf(max, part.x), base = finite(larger);
    sum = sum * ptx::exp2_fast((max - base) * unit) + part.y * ptx::exp2_fast((part.x - base) * unit);
    max = larger;
  }
  // A maximum that makes no NaNs where there are no keys.
  __device__ static float finite(float max) { return max > -INFINITY ? max : 0.0f; }
};

template <int D, int kHeads>
constexpr int kBlocksPerSm = D <= 128 ? 4 / kHeads : 2;

// Maximum and sum of each row over the segment's keys. grid: (slots / kHeads, segments)
template <typename T, int D, int kHeads>
__global__ void __launch_bounds__(kHeads* kHeadThreads, kBlocksPerSm<D, kHeads>)
    row_sums_kernel(PlanCall call, const EstimateSlot* slots, int32_t tiles) {
  using Grid = WarpGrid<D>;
  constexpr int kRows = 2 * Grid::kRowTiles;  // of a thread
  __shared__ float2 parts[kHeads][Grid::kKeyWarps][kLastQ];
  const int which = threadIdx.x / kHeadThreads;
  const EstimateSlot first = slots[blockIdx.x * kHeads];
  if (first.rows == 0) return;
  const Segment segment(first, tiles);
  const EstimateSlot& slot = slots[blockIdx.x * kHeads + which];
  const bool active = slot.rows > 0;
  LastRows<T, D, kHeads> rows(call, first, slot, segment, reinterpret_cast<T*>(dynamic_shared()));
  if (active && segment.begin < segment.end) {
    TileSums<D>::clear_ends(segment, rows.total(), rows.first_position(), slot);
  }
  const float unit = score_unit(call);
  float max[kRows], sum[kRows];
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    max[r] = -INFINITY;
    sum[r] = 0;
  }
  rows.for_each_tile([&](int32_t tile, const T* keys) {
    if (!active) return;
    Accumulators<D> s;
    rows.scores(tile, keys, s);
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      float larger = max[r];
#pragma unroll
      for (int n = 0; n < Grid::kKeyTiles; ++n) {
        larger = fmaxf(larger, fmaxf(s[r / 2][n][r % 2 * 2], s[r / 2][n][r % 2 * 2 + 1]));
      }
      const float base = RowSum::finite(larger);
      float added = 0;
#pragma unroll
      for (int n = 0; n < Grid::kKeyTiles; ++n) {
#pragma unroll
        for (int i = 0; i < 2; ++i) added += ptx::exp2_fast((s[r / 2][n][r % 2 * 2 + i] - base) * unit);
      }
      sum[r] = fmaf(sum[r], ptx::exp2_fast((max[r] - base) * unit), added);
      max[r] = larger;
    }
  });
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    RowSum all{max[r], sum[r]};
#pragma unroll
    for (int lanes = 1; lanes < 4; lanes *= 2) {
      const float2 other =
          make_float2(__shfl_xor_sync(0xffffffffu, all.max, lanes), __shfl_xor_sync(0xffffffffu, all.sum, lanes));
      all.add(other, unit);
    }
    if (threadIdx.x % 4 == 0) {
      parts[which][Grid::warp() % Grid::kKeyWarps][Grid::row(r / 2, r % 2)] = make_float2(all.max, all.sum);
    }
  }
  __syncthreads();
  const int row = threadIdx.x % kHeadThreads;
  if (!active || row >= kLastQ) return;
  RowSum all{parts[which][0][row].x, parts[which][0][row].y};
#pragma unroll
  for (int w = 1; w < Grid::kKeyWarps; ++w) all.add(parts[which][w][row], unit);
  slot.partial[int64_t{blockIdx.y} * kLastQ + row] = make_float2(all.max, all.sum);
}

// Over all segments, in a fixed order: partial[row] becomes what makes probabilities of scores, maximum and -log2 of
// the sum. grid: slots
__global__ void __launch_bounds__(kTotalThreads)
    row_totals_kernel(PlanCall call, const EstimateSlot* slots, int32_t segments) {
  constexpr int kGroups = kTotalThreads / kLastQ;
  __shared__ float2 parts[kGroups][kLastQ];
  const EstimateSlot slot = slots[blockIdx.x];
  if (slot.rows == 0) return;
  const int row = threadIdx.x % kLastQ, group = threadIdx.x / kLastQ;
  const float unit = score_unit(call);
  RowSum all{-INFINITY, 0};
#pragma unroll 8
  for (int32_t i = group; i < segments; i += kGroups) all.add(slot.partial[int64_t{i} * kLastQ + row], unit);
  parts[group][row] = make_float2(all.max, all.sum);
  __syncthreads();
  if (group != 0) return;
  for (int i = 1; i < kGroups; ++i) all.add(parts[i][row], unit);
  if (all.max > -INFINITY && call.head_sink != nullptr) {
    all.sum += exp2f(call.head_sink[slot.head % call.num_heads] * kLog2e - all.max * unit);
  }
  // A row one of whose scores is no number or infinite says nothing: nothing is left of its probabilities.
  const bool is_broken = all.sum != all.sum;
  slot.partial[row] = is_broken ? make_float2(0, -INFINITY)
                                : make_float2(RowSum::finite(all.max), all.max > -INFINITY ? -log2f(all.sum) : 0.0f);
}

// Sums of the probabilities over each key and each distance. grid: (slots / kHeads, segments)
template <typename T, int D, int kHeads>
__global__ void __launch_bounds__(kHeads* kHeadThreads, kBlocksPerSm<D, kHeads>)
    position_sums_kernel(PlanCall call, const EstimateSlot* slots, int32_t tiles) {
  using Grid = WarpGrid<D>;
  using Sums = TileSums<D>;
  __shared__ float2 totals[kHeads][kLastQ];
  const int which = threadIdx.x / kHeadThreads;
  const EstimateSlot first = slots[blockIdx.x * kHeads];
  const Segment segment(first, tiles);
  if (first.rows == 0 || segment.begin >= segment.end) return;
  const EstimateSlot slot = slots[blockIdx.x * kHeads + which];
  const bool active = slot.rows > 0;
  unsigned char* memory = dynamic_shared();
  auto& shared = reinterpret_cast<typename Sums::Shared*>(memory + LastRows<T, D, kHeads>::kSharedBytes)[which];
  // Both are used behind the barriers of LastRows.
  Sums::clear(shared);
  const int thread = threadIdx.x % kHeadThreads;
  if (active && thread < kLastQ) totals[which][thread] = slot.partial[thread];
  LastRows<T, D, kHeads> rows(call, first, slot, segment, reinterpret_cast<T*>(memory));
  const float unit = score_unit(call);
  const auto write = [&](int32_t tile) {
    Sums::write(tile, segment, rows.total(), rows.first_position(), tile & 1, shared, slot);
  };
  // The sums of a tile are written behind the next one's barrier.
  rows.for_each_tile([&](int32_t tile, const T* keys) {
    if (!active) return;
    if (tile > segment.begin) write(tile - 1);
    Accumulators<D> p;
    rows.scores(tile, keys, p);
#pragma unroll
    for (int r = 0; r < 2 * Grid::kRowTiles; ++r) {
      const float2 total = totals[which][Grid::row(r / 2, r % 2)];
#pragma unroll
      for (int n = 0; n < Grid::kKeyTiles; ++n) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          float& x = p[r / 2][n][r % 2 * 2 + i];
          // The maximum with 0 of what is no number is 0.
          x = fmaxf(ptx::exp2_fast(fmaf(x - total.x, unit, total.y)), 0.0f);
        }
      }
    }
    Sums::put(p, tile & 1, shared);
  });
  __syncthreads();
  if (active) write(segment.end - 1);
}

template <typename T, int D, int kHeads>
void run(const PlanCall& call, const EstimateSlot* slots, int64_t count, int64_t longest, cudaStream_t stream) {
  // Heads first: those of one cache head read the same keys at about the same time.
  const auto segments = static_cast<unsigned>(estimate_segments(longest));
  const dim3 grid(static_cast<unsigned>(count / kHeads), segments), block(kHeads * kHeadThreads);
  constexpr size_t kKeys = LastRows<T, D, kHeads>::kSharedBytes;
  constexpr size_t kSums = kKeys + kHeads * sizeof(typename TileSums<D>::Shared);
  const auto tiles = static_cast<int32_t>(segment_tiles(longest));
  launch(row_sums_kernel<T, D, kHeads>, grid, block, kKeys, stream, call, slots, tiles);
  launch(row_totals_kernel, dim3(static_cast<unsigned>(count)), dim3(kTotalThreads), 0, stream, call, slots,
         static_cast<int32_t>(segments));
  launch(position_sums_kernel<T, D, kHeads>, grid, block, kSums, stream, call, slots, tiles);
}

// Two and two of the same cache head, with empty slots where there is no second.
std::vector<EstimateSlot> in_pairs(const PlanCall& call, const std::vector<EstimateSlot>& slots) {
  const int32_t group = call.num_heads / call.num_kv_heads;
  std::vector<EstimateSlot> pairs;
  for (const EstimateSlot& slot : slots) {
    if (pairs.size() % 2 == 1 && pairs.back().head / group != slot.head / group) pairs.emplace_back();
    pairs.push_back(slot);
  }
  if (pairs.size() % 2 == 1) pairs.emplace_back();
  return pairs;
}

}  // namespace

int64_t estimate_segments(int64_t total) {
  const int64_t tiles = (total + kTile - 1) / kTile, each = segment_tiles(total);
  return std::max<int64_t>(1, (tiles + each - 1) / each);
}

void estimate_last_rows(const PlanCall& call, DataType dtype, const std::vector<EstimateSlot>& slots, int64_t longest,
                        const Context& context) {
  if (slots.empty() || longest == 0) return;
  const std::vector<EstimateSlot> pairs = in_pairs(call, slots);
  // Two heads of 256 do not fit; many half-empty pairs leave threads idle.
  const bool paired = call.head_dim <= 128 && 2 * pairs.size() <= 3 * slots.size();
  const std::vector<EstimateSlot>& chosen = paired ? pairs : slots;
  const EstimateSlot* device = upload(chosen, context);
  const auto count = static_cast<int64_t>(chosen.size());
  const auto run_for = [&]<typename T, int D>() {
    if constexpr (D <= 128) {
      if (paired) return run<T, D, 2>(call, device, count, longest, context.stream);
    }
    run<T, D, 1>(call, device, count, longest, context.stream);
  };
  dispatch_half(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    switch (call.head_dim) {
      case 64:
        return run_for.template operator()<T, 64>();
      case 96:
        return run_for.template operator()<T, 96>();
      case 128:
        return run_for.template operator()<T, 128>();
      case 256:
        return run_for.template operator()<T, 256>();
      default:
        throw std::invalid_argument("the CUDA kernels take head sizes 64, 96, 128 and 256");
    }
  });
}

}  // namespace minference::cuda
