// Sums of a head's probabilities over columns and diagonals, tile by tile, in a fixed order. Each warp first adds up
// what lies on the same diagonals of its 8 x 8 pieces, in registers; 8 rows are left for shared memory.
#pragma once

#include "last_rows.cuh"

namespace minference::cuda {

template <int D>
struct TileSums {
  using Grid = WarpGrid<D>;
  static constexpr int kRowPieces = 2 * Grid::kRowTiles, kPieces = kRowPieces + Grid::kKeyTiles - 1;
  // 8 zeros on either side, so that diagonals may leave the rows; 8 or 24 modulo 32: no bank conflicts.
  static constexpr int kPitch = 8 * (kPieces + 2);
  static constexpr int kMiddle = 8 * kRowPieces;  // where row 0 has row - key = 0

  // Shared memory of one head; [2]: by the tile's parity.
  struct Shared {
    float diagonals[2][4][8][kPitch];
    float columns[2][Grid::kRowWarps][kTile];
    float begun[2][kTile];  // diagonals that go on in the next tile
  };

  __device__ static void clear(Shared& shared) {
    float* all = &shared.diagonals[0][0][0][0];
    for (int i = threadIdx.x % kHeadThreads; i < 2 * 4 * 8 * kPitch; i += kHeadThreads) all[i] = 0;
  }

  __device__ static void put(const Accumulators<D>& p, int parity, Shared& shared) {
    const int warp = Grid::warp(), lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
#pragma unroll
    for (int piece = 0; piece < kPieces; ++piece) {
      // Row and key pieces r and r - first.
      const int first = kRowPieces - 1 - piece, begin = first > 0 ? first : 0;
      float sum[2] = {p[begin / 2][begin - first][begin % 2 * 2], p[begin / 2][begin - first][begin % 2 * 2 + 1]};
#pragma unroll
      for (int r = begin + 1; r < kRowPieces; ++r) {
        if (r - first >= Grid::kKeyTiles) continue;
#pragma unroll
        for (int i = 0; i < 2; ++i) sum[i] += p[r / 2][r - first][r % 2 * 2 + i];
      }
      *reinterpret_cast<float2*>(&shared.diagonals[parity][warp][g][8 * (piece + 1) + 2 * t]) =
          make_float2(sum[0], sum[1]);
    }
    constexpr int kSums = 2 * Grid::kKeyTiles, kLeft = kSums / 8;
    float sums[kSums];
#pragma unroll
    for (int j = 0; j < kSums; ++j) {
      sums[j] = p[0][j / 2][j % 2];
#pragma unroll
      for (int r = 1; r < kRowPieces; ++r) sums[j] += p[r / 2][j / 2][r % 2 * 2 + j % 2];
    }
    // Over the 8 lanes with the same t; g keeps kLeft of the sums.
    fold<kSums / 2>(sums, 16);
    fold<kSums / 4>(sums, 8);
    fold<kSums / 8>(sums, 4);
#pragma unroll
    for (int j = 0; j < kLeft; ++j) {
      const int which = g * kLeft + j;
      shared.columns[parity][warp / Grid::kKeyWarps][Grid::key(which / 2, which % 2)] = sums[j];
    }
  }

  // Writes what is complete with `tile`; a barrier lies between `put` and this. A distance belongs to at most two
  // segments: two additions to zero give the same in any order.
  __device__ static void write(int32_t tile, Segment segment, int32_t total, int32_t first_position, int parity,
                               Shared& shared, const EstimateSlot& slot) {
    const int thread = threadIdx.x % kHeadThreads, diagonal = thread - (kTile - 1);  // row - key, within the tile
    const int32_t first_key = tile * kTile;
    if (diagonal < kTile) {
      float sum = 0;
#pragma unroll
      for (int warp = 0; warp < 4; ++warp) {
        const int local = diagonal - Grid::first_row(warp) + Grid::first_key(warp);
        if (local <= -Grid::kKeys || local >= Grid::kRows) continue;
        const float* at = &shared.diagonals[parity][warp][0][kMiddle - local];
        float pairs[4];
#pragma unroll
        for (int i = 0; i < 4; ++i) pairs[i] = at[2 * i * (kPitch + 1)] + at[(2 * i + 1) * (kPitch + 1)];
        sum += (pairs[0] + pairs[1]) + (pairs[2] + pairs[3]);
      }
      const int32_t distance = first_position - first_key + diagonal;
      const bool exists = distance >= 0 && distance < total;
      if (diagonal < 0) {
        shared.begun[parity][thread] = sum;
        if (tile + 1 == segment.end && exists) atomicAdd(slot.slashes + distance, sum);
      } else if (diagonal == 0 || tile > segment.begin) {
        if (diagonal > 0) sum += shared.begun[1 - parity][thread - kTile];
        if (exists) slot.slashes[distance] = sum;
      } else if (exists) {
        atomicAdd(slot.slashes + distance, sum);
      }
    }
    // The first and the last warp, which have fewer diagonals.
    if (thread < 32 || thread >= 96) {
      const int column = thread < 32 ? thread : thread - 64;
      float sum = shared.columns[parity][0][column];
#pragma unroll
      for (int w = 1; w < Grid::kRowWarps; ++w) sum += shared.columns[parity][w][column];
      if (first_key + column < total) slot.columns[first_key + column] = sum;
    }
  }

  // Zeros where `write` adds.
  __device__ static void clear_ends(Segment segment, int32_t total, int32_t first_position, const EstimateSlot& slot) {
    const int diagonal = static_cast<int>(threadIdx.x % kHeadThreads) - (kTile - 1);
    if (diagonal > 0 && diagonal < kTile) {
      const int32_t distance = first_position - segment.begin * kTile + diagonal;
      if (distance >= 0 && distance < total) slot.slashes[distance] = 0;
    }
    const bool is_last = segment.end * kTile >= total;
    const int32_t distance = first_position - (segment.end - 1) * kTile + diagonal;
    if (diagonal < 0 && is_last && distance >= 0) slot.slashes[distance] = 0;
  }

 private:
  // Halves what each lane holds: it and its partner add up one half each.
  template <int kHalf, int kCount>
  __device__ static void fold(float (&sums)[kCount], int lanes) {
    const bool upper = (threadIdx.x & lanes) != 0;
#pragma unroll
    for (int j = 0; j < kHalf; ++j) {
      const float other = __shfl_xor_sync(0xffffffffu, upper ? sums[j] : sums[j + kHalf], lanes);
      sums[j] = (upper ? sums[j + kHalf] : sums[j]) + other;
    }
  }
};

}  // namespace minference::cuda
