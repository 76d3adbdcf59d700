#include "common/launch.cuh"
#include "count.h"
#include "row_block.cuh"

namespace minference::cuda {
namespace {

constexpr int kCountWarps = 8;
constexpr int kSharedColumns = 8192;  // searched in shared memory where they fit
// Columns in place: a warp marks those that ranges cover, so many granules of the list at a time.
constexpr int kListWords = 128;
static_assert(kGranule == 32);

// Columns below `key`.
__device__ inline int32_t rank_of(const int32_t* columns, int32_t count, int32_t key) {
  int32_t low = 0, high = count;
  while (low < high) {
    const int32_t middle = (low + high) / 2;
    if (columns[middle] < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// What a run covers of a row block, without what the next one does: where rounding makes two meet, the lower one has
// the keys.
__device__ inline KeyRange range_of_run(const DiagonalRun* runs, int32_t count, int32_t i, const RowBlock& block,
                                        int64_t align) {
  const int64_t far = block.first - runs[i].last, end = block.last + 1 - runs[i].first;
  const int64_t begin = far < block.low ? block.low : far;
  if (begin >= end) return {0, 0};
  const auto rounded_end = [&](int64_t key) {
    const int64_t up = (key + align - 1) / align * align;
    return up < block.last + 1 ? up : block.last + 1;
  };
  int64_t from = begin / align * align;
  if (i + 1 < count) {
    const int64_t lower = block.last + 1 - runs[i + 1].first;
    if (lower > block.low && rounded_end(lower) > from) from = rounded_end(lower);
  }
  return {static_cast<int32_t>(from), static_cast<int32_t>(rounded_end(end))};
}

// Bits of begin … end - 1 in the word that starts at `base`.
__device__ inline uint32_t overlap(int32_t begin, int32_t end, int32_t base) {
  const int32_t from = begin > base ? begin - base : 0, to = end < base + 32 ? end - base : 32;
  return from < to ? 0xffffffffu >> (32 - (to - from)) << from : 0u;
}

// Tiles of one row block of a vertical_slash head whose columns are taken in place: of each run, and the granules of
// the list of which some column is seen and covered by no run. The lanes of a warp share runs and granules, and
// `covered`, [kListWords].
__device__ inline int32_t tiles_in_place(const DevicePlan& plan, const RowBlock& block, const int32_t* columns,
                                         uint32_t* covered, const PlanCall& call) {
  const DiagonalRun* runs = block.is_full ? plan.runs : plan.last_runs;
  const int32_t count = block.is_full ? plan.num_runs : plan.num_last_runs, lane = threadIdx.x % 32;
  const auto low = static_cast<int32_t>(block.low), last = static_cast<int32_t>(block.last);
  if (last < low) return 0;
  const int32_t first_seen = rank_of(columns, plan.num_columns, low);
  const int32_t seen_end = rank_of(columns, plan.num_columns, last + 1);
  const int32_t first_base = first_seen / 32 * 32;
  int32_t tiles = 0, base = first_base;
  do {
    const int32_t end = base + 32 * kListWords < seen_end ? base + 32 * kListWords : seen_end;
    for (int32_t word = lane; base + 32 * word < end; word += 32) covered[word] = 0;
    __syncwarp();
    for (int32_t i = lane; i < count; i += 32) {
      const KeyRange range = range_of_run(runs, count, i, block, call.key_align);
      if (range.end == 0) break;  // nor do the runs behind it cover anything
      if (base == first_base) tiles += (range.end - range.begin + call.block_n - 1) / call.block_n;
      int32_t from = rank_of(columns, end, range.begin);
      const int32_t to = rank_of(columns, end, range.end);
      if (from < base) from = base;
      if (from >= to) continue;
      for (int32_t word = (from - base) / 32; base + 32 * word < to; ++word) {
        atomicOr(covered + word, overlap(from, to, base + 32 * word));
      }
    }
    __syncwarp();
    for (int32_t word = lane; base + 32 * word < end; word += 32) {
      tiles += (overlap(first_seen, end, base + 32 * word) & ~covered[word]) != 0;
    }
    __syncwarp();
    base += 32 * kListWords;
  } while (base < seen_end);
  return __reduce_add_sync(0xffffffffu, tiles);
}

// The same where columns are gathered one by one: the lanes of a warp share runs and columns. Columns in ranges are
// counted from whichever there are fewer of.
__device__ inline int32_t tiles_of(const DevicePlan& plan, const RowBlock& block, const int32_t* columns,
                                   const PlanCall& call) {
  const DiagonalRun* runs = block.is_full ? plan.runs : plan.last_runs;
  const int32_t count = block.is_full ? plan.num_runs : plan.num_last_runs, lane = threadIdx.x % 32;
  const auto low = static_cast<int32_t>(block.low), last = static_cast<int32_t>(block.last);
  if (last < low) return 0;
  const bool by_runs = 2 * count <= plan.num_columns;
  int32_t tiles = 0, covered = 0;
  for (int32_t i = lane; i < count; i += 32) {
    const KeyRange range = range_of_run(runs, count, i, block, call.key_align);
    if (range.end == 0) break;  // nor do the runs behind it cover anything
    tiles += (range.end - range.begin + call.block_n - 1) / call.block_n;
    if (by_runs) {
      covered += rank_of(columns, plan.num_columns, range.end) -
                 rank_of(columns, plan.num_columns, range.begin < low ? low : range.begin);
    }
  }
  int32_t seen = 0;
  if (by_runs) {
    seen = rank_of(columns, plan.num_columns, last + 1) - rank_of(columns, plan.num_columns, low);
    seen -= __reduce_add_sync(0xffffffffu, covered);
  } else {
    for (int32_t i = lane; i < plan.num_columns && columns[i] <= last; i += 32) {
      if (columns[i] >= low && !in_runs(plan, block, columns[i], call.key_align)) ++seen;
    }
    seen = __reduce_add_sync(0xffffffffu, seen);
  }
  return __reduce_add_sync(0xffffffffu, tiles) + (seen + call.block_n - 1) / call.block_n;
}

// grid: (jobs, row blocks / kCountWarps); one warp per row block. The columns of vertical_slash come to shared memory.
__global__ void __launch_bounds__(kCountWarps * 32) count_kernel(PlanCall call, const Job* jobs, DevicePlan* plans) {
  __shared__ int32_t shared_columns[kSharedColumns];
  __shared__ uint32_t covered_columns[kCountWarps][kListWords];
  __shared__ unsigned long long tiles_of_block;
  const DevicePlan plan = plans[blockIdx.x];
  const Job job = jobs[blockIdx.x];
  if (plan.kind == static_cast<int32_t>(PatternKind::kDense)) return;
  const int64_t row_blocks = (int64_t{job.rows} + call.block_m - 1) / call.block_m;
  if (int64_t{blockIdx.y} * kCountWarps >= row_blocks) return;
  const bool fits = plan.num_columns <= kSharedColumns;
  for (int32_t i = threadIdx.x; fits && i < plan.num_columns; i += kCountWarps * 32)
    shared_columns[i] = plan.columns[i];
  if (threadIdx.x == 0) tiles_of_block = 0;
  __syncthreads();
  const int32_t* columns = fits ? shared_columns : plan.columns;
  const int64_t index = int64_t{blockIdx.y} * kCountWarps + threadIdx.x / 32;
  if (index < row_blocks) {
    const RowBlock block = RowBlock::at(index, call.block_m, job.past, job.rows, call.window);
    int32_t tiles = 0;
    if (plan.kind == static_cast<int32_t>(PatternKind::kVerticalSlash)) {
      tiles = call.columns_in_place ? tiles_in_place(plan, block, columns, covered_columns[threadIdx.x / 32], call)
                                    : tiles_of(plan, block, columns, call);
    } else {
      for (BlockRanges ranges(plan, block, index, call.key_align); ranges.next();) {
        tiles += (ranges.range.end - ranges.range.begin + call.block_n - 1) / call.block_n;
      }
      if (plan.kind == static_cast<int32_t>(PatternKind::kExplicit)) {
        const int64_t columns = plan.column_offsets[index + 1] - plan.column_offsets[index];
        tiles += static_cast<int32_t>((columns + call.block_n - 1) / call.block_n);
      }
    }
    if (threadIdx.x % 32 == 0) {
      job.block_tiles[index] = tiles;
      atomicAdd(&tiles_of_block, static_cast<unsigned long long>(tiles));
    }
  }
  __syncthreads();
  if (threadIdx.x == 0) atomicAdd(reinterpret_cast<unsigned long long*>(&plans[blockIdx.x].tiles), tiles_of_block);
}

__global__ void fall_back_kernel(const Job* jobs, DevicePlan* plans, int64_t count, float sparse_tile) {
  const int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i >= count) return;
  DevicePlan plan = plans[i];
  const Job& job = jobs[i];
  const bool dense = plan.kind == static_cast<int32_t>(PatternKind::kDense);
  const bool cheap = static_cast<double>(plan.tiles) * sparse_tile < static_cast<double>(job.dense_tiles);
  if (!dense && (cheap || (job.pattern.flags & kNoFallback) != 0)) return;
  if (!dense) {
    plan.kind = static_cast<int32_t>(PatternKind::kDense);
    plan.prefix = plan.num_columns = 0;
    plan.runs = plan.last_runs = job.runs;
    plan.num_runs = plan.num_last_runs = 1;
    job.runs[0] = {0, INT32_MAX};
  }
  plan.tiles = job.dense_tiles;
  plans[i] = plan;
}

}  // namespace

void count_tiles(const PlanCall& call, const Job* jobs, DevicePlan* plans, int64_t count, int64_t row_blocks,
                 const Context& context) {
  if (count == 0 || row_blocks == 0) return;
  const dim3 grid(static_cast<unsigned>(count), static_cast<unsigned>((row_blocks + kCountWarps - 1) / kCountWarps));
  launch(count_kernel, grid, dim3(kCountWarps * 32), 0, context.stream, call, jobs, plans);
}

void fall_back(const Job* jobs, DevicePlan* plans, int64_t count, float sparse_tile, const Context& context) {
  if (count == 0) return;
  launch(fall_back_kernel, dim3(static_cast<unsigned>((count + 127) / 128)), dim3(128), 0, context.stream, jobs, plans,
         count, sparse_tile);
}

}  // namespace minference::cuda
