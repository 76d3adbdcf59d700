#include "../common/launch.cuh"
#include "count.h"
#include "row_block.cuh"

namespace minference::cuda {
namespace {

constexpr int kCountWarps = 8;
constexpr int kSharedColumns = 8192;  // searched in shared memory where they fit

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

struct Coverage {
  int32_t tiles, columns;  // of ranges; inside ranges
};

// Each run is a range of its own, so the lanes share them; where rounding makes two meet, the lower one has the keys.
__device__ inline Coverage cover_by_runs(const DevicePlan& plan, const RowBlock& block, const int32_t* columns,
                                         int32_t block_n, int64_t align) {
  const DiagonalRun* runs = block.is_full ? plan.runs : plan.last_runs;
  const int32_t count = block.is_full ? plan.num_runs : plan.num_last_runs;
  Coverage sum{0, 0};
  for (int32_t i = threadIdx.x % 32; i < count; i += 32) {
    const int64_t far = block.first - runs[i].last, end = block.last + 1 - runs[i].first;
    const int64_t begin = far < block.low ? block.low : far;
    if (begin >= end) break;  // as all further runs
    const auto rounded_end = [&](int64_t key) {
      const int64_t up = (key + align - 1) / align * align;
      return up < block.last + 1 ? up : block.last + 1;
    };
    int64_t from = begin / align * align;
    const int64_t to = rounded_end(end);
    if (i + 1 < count) {
      const int64_t lower = block.last + 1 - runs[i + 1].first;
      if (lower > block.low && rounded_end(lower) > from) from = rounded_end(lower);
    }
    sum.tiles += static_cast<int32_t>((to - from + block_n - 1) / block_n);
    if (plan.num_columns > 0) {
      sum.columns += rank_of(columns, plan.num_columns, static_cast<int32_t>(to)) -
                     rank_of(columns, plan.num_columns, static_cast<int32_t>(from < block.low ? block.low : from));
    }
  }
  return {__reduce_add_sync(0xffffffffu, sum.tiles), __reduce_add_sync(0xffffffffu, sum.columns)};
}

// grid: (jobs, row blocks / kCountWarps); one warp per row block. The columns of vertical_slash come to shared memory.
__global__ void __launch_bounds__(kCountWarps * 32) count_kernel(PlanCall call, const Job* jobs, DevicePlan* plans) {
  __shared__ int32_t shared_columns[kSharedColumns];
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
      const Coverage covered = cover_by_runs(plan, block, columns, call.block_n, call.key_align);
      int32_t left = 0;
      if (block.low <= block.last) {
        left = rank_of(columns, plan.num_columns, static_cast<int32_t>(block.last + 1)) -
               rank_of(columns, plan.num_columns, static_cast<int32_t>(block.low)) - covered.columns;
      }
      tiles = covered.tiles + (left + call.block_n - 1) / call.block_n;
    } else {
      for (BlockRanges ranges(plan, block, index, call.key_align); ranges.next();) {
        tiles += (ranges.range.end - ranges.range.begin + call.block_n - 1) / call.block_n;
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
