// Counting sort of all work items by their tiles, longest first. Among those of about the same length the ones of the
// same cache head are neighbours, by row block: then what runs at the same time reads the same keys through L2.
#include <algorithm>

#include "../common/check.h"
#include "block_scan.cuh"
#include "common/launch.cuh"
#include "count.h"
#include "row_block.cuh"

namespace minference::cuda {
namespace {

constexpr int kBuckets = 256;
constexpr int kHistogramThreads = 1024;
constexpr int kScatterWarps = 32;

// 16 buckets per factor of two; bucket 0 holds the longest, the last one the items without tiles.
__device__ inline int bucket_of(int32_t tiles) {
  int level = tiles;
  if (tiles >= 16) {
    const int top = 31 - __clz(tiles);
    level = 16 * (top - 3) + (tiles >> (top - 4) & 15);
  }
  return kBuckets - 1 - (level < kBuckets ? level : kBuckets - 1);
}

// The items of the heads that share one cache head, the last one first.
struct Group {
  const Job* jobs;
  const DevicePlan* plans;
  int64_t items_per_head;
  int32_t heads, first_head;

  __device__ int64_t items() const { return items_per_head * heads; }
  __device__ WorkItem item(int64_t i) const {
    return {first_head + static_cast<int32_t>(i % heads), static_cast<int32_t>(items_per_head - 1 - i / heads)};
  }
  __device__ int bucket(const PlanCall& call, WorkItem item) const {
    const Job& job = jobs[item.head];
    const bool dense = plans[item.head].kind == static_cast<int32_t>(PatternKind::kDense);
    int32_t tiles = 0;
    for (int32_t i = 0; i < call.blocks_per_item; ++i) {
      const int32_t row_block = item.block * call.blocks_per_item + i;
      if (int64_t{row_block} * call.block_m >= job.rows) break;
      const RowBlock block = RowBlock::at(row_block, call.block_m, job.past, job.rows, call.window);
      tiles += dense ? static_cast<int32_t>((block.last + 1 - block.low + call.block_n - 1) / call.block_n)
                     : job.block_tiles[row_block];
    }
    return bucket_of(tiles);
  }
};

__device__ inline Group group_of(const PlanCall& call, const Job* jobs, const DevicePlan* plans, int64_t items) {
  const int32_t heads = call.num_heads / call.num_kv_heads;
  return {jobs, plans, items, heads, static_cast<int32_t>(blockIdx.x) * heads};
}

// grid: groups. offsets: [groups, kBuckets]
__global__ void __launch_bounds__(kHistogramThreads)
    histogram_kernel(PlanCall call, const Job* jobs, const DevicePlan* plans, int64_t items_per_head,
                     int32_t* offsets) {
  __shared__ int32_t bins[kBuckets];
  const Group group = group_of(call, jobs, plans, items_per_head);
  if (threadIdx.x < kBuckets) bins[threadIdx.x] = 0;
  __syncthreads();
  for (int64_t i = threadIdx.x; i < group.items(); i += kHistogramThreads) {
    atomicAdd(&bins[group.bucket(call, group.item(i))], 1);
  }
  __syncthreads();
  if (threadIdx.x < kBuckets) offsets[int64_t{blockIdx.x} * kBuckets + threadIdx.x] = bins[threadIdx.x];
}

// One block. Counts become positions: by bucket, then by group.
__global__ void __launch_bounds__(kBuckets) offsets_kernel(int32_t* offsets, int32_t groups) {
  __shared__ int32_t warp_sums[kBuckets / 32];
  int32_t sum = 0;
  for (int32_t g = 0; g < groups; ++g) sum += offsets[int64_t{g} * kBuckets + threadIdx.x];
  int total;
  int32_t position = block_exclusive_sum<kBuckets>(sum, warp_sums, total);
  for (int32_t g = 0; g < groups; ++g) {
    int32_t& offset = offsets[int64_t{g} * kBuckets + threadIdx.x];
    const int32_t count = offset;
    offset = position;
    position += count;
  }
}

// grid: groups. Stable: every warp takes one piece, and counts it before it knows its positions.
__global__ void __launch_bounds__(kScatterWarps * 32)
    scatter_kernel(PlanCall call, const Job* jobs, const DevicePlan* plans, int64_t items_per_head,
                   const int32_t* offsets, WorkItem* items) {
  __shared__ int32_t positions[kScatterWarps][kBuckets];
  const Group group = group_of(call, jobs, plans, items_per_head);
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int64_t piece = (group.items() + kScatterWarps * 32 - 1) / (kScatterWarps * 32) * 32;
  const int64_t begin = warp * piece, end = begin + piece < group.items() ? begin + piece : group.items();
  int32_t* own = positions[warp];
  for (int b = lane; b < kBuckets; b += 32) own[b] = 0;
  __syncwarp();
  for (int64_t i = begin + lane; i < end; i += 32) atomicAdd(&own[group.bucket(call, group.item(i))], 1);
  __syncthreads();
  if (threadIdx.x < kBuckets) {
    int32_t position = offsets[int64_t{blockIdx.x} * kBuckets + threadIdx.x];
    for (int w = 0; w < kScatterWarps; ++w) {
      const int32_t count = positions[w][threadIdx.x];
      positions[w][threadIdx.x] = position;
      position += count;
    }
  }
  __syncthreads();
  for (int64_t first = begin; first < end; first += 32) {
    const int64_t i = first + lane;
    const bool valid = i < end;
    const WorkItem item = group.item(valid ? i : 0);
    const int bucket = valid ? group.bucket(call, item) : kBuckets;
    const unsigned same = __match_any_sync(0xffffffffu, bucket);
    const int rank = __popc(same & ((1u << lane) - 1));
    if (valid) items[own[bucket] + rank] = item;
    __syncwarp();
    if (valid && rank == 0) own[bucket] += __popc(same);
    __syncwarp();
  }
}

}  // namespace

Schedule make_schedule(const PlanCall& call, const Job* jobs, const DevicePlan* plans, int64_t batch,
                       int64_t items_per_head, const Context& context) {
  const int64_t groups = batch * call.num_kv_heads, count = batch * call.num_heads * items_per_head;
  auto* items = static_cast<WorkItem*>(context.allocate(std::max<int64_t>(1, count) * sizeof(WorkItem)));
  auto* offsets = static_cast<int32_t*>(context.allocate(groups * kBuckets * sizeof(int32_t)));
  if (count > 0) {
    const dim3 grid(static_cast<unsigned>(groups));
    launch(histogram_kernel, grid, dim3(kHistogramThreads), 0, context.stream, call, jobs, plans, items_per_head,
           offsets);
    launch(offsets_kernel, dim3(1), dim3(kBuckets), 0, context.stream, offsets, static_cast<int32_t>(groups));
    launch(scatter_kernel, grid, dim3(kScatterWarps * 32), 0, context.stream, call, jobs, plans, items_per_head,
           offsets, items);
  }
  return {items, count};
}

}  // namespace minference::cuda
