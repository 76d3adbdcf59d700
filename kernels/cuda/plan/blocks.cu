#include <algorithm>

#include "../../shared/call_span.h"
#include "../common/dtype.cuh"
#include "blocks.h"
#include "common/launch.cuh"
#include "radix_select.cuh"

namespace minference::cuda {
namespace {

constexpr int kSelectThreads = 128;
constexpr int kTile = 64;   // scores per side of a tile
constexpr int kDepth = 16;  // elements at a time
constexpr int kScoreThreads = 256;
constexpr int kMostKeyBlocks = 1 << 16;

__host__ __device__ inline int64_t blocks_of(int64_t rows) { return (rows + kPatternBlock - 1) / kPatternBlock; }

// grid: (blocks, slots); one thread per element.
template <typename T>
__global__ void pool_kernel(PlanCall call, const PoolSlot* slots) {
  const PoolSlot slot = slots[blockIdx.y];
  const int64_t first = int64_t{blockIdx.x} * kPatternBlock;
  const int e = threadIdx.x;
  if (first >= slot.rows || e >= call.head_dim) return;
  const int rows = slot.rows - first < kPatternBlock ? static_cast<int>(slot.rows - first) : kPatternBlock;
  const T* from;
  int64_t stride;
  if (slot.is_key) {
    stride = call.head_dim;
    from = static_cast<const T*>(call.k) + (slot.head * call.capacity + first) * stride;
  } else {
    stride = call.q_stride_seq;
    from = static_cast<const T*>(call.q) + slot.head / call.num_heads * call.q_stride_batch +
           slot.head % call.num_heads * call.q_stride_head + first * stride;
  }
  float sum = 0;
#pragma unroll 8
  for (int row = 0; row < rows; ++row) sum += to_float(from[row * stride + e]);
  slot.means[int64_t{blockIdx.x} * call.head_dim + e] = sum / static_cast<float>(rows);
}

__device__ VisibleBlocks visible(const PlanCall& call, const Job& job, int64_t query_block) {
  return {CallSpan{job.past, job.rows, call.window}, query_block};
}

// grid: (key tiles, query tiles of the strip, jobs). Full float32: near ties must fall as they do on the CPU.
__global__ void __launch_bounds__(kScoreThreads)
    score_kernel(PlanCall call, const Job* jobs, int64_t first_query, int64_t strip, int64_t stride) {
  __shared__ float queries[kDepth][kTile + 4];
  __shared__ float keys[kDepth][kTile + 4];
  const Job job = jobs[blockIdx.z];
  if (job.pattern.kind != static_cast<int32_t>(PatternKind::kBlockSparse)) return;
  const int64_t query = first_query + int64_t{blockIdx.y} * kTile, key = int64_t{blockIdx.x} * kTile;
  const int64_t query_blocks = blocks_of(job.rows), key_blocks = blocks_of(int64_t{job.past} + job.rows);
  const int64_t last_query = (query + kTile < query_blocks ? query + kTile : query_blocks) - 1;
  if (query >= query_blocks || key >= key_blocks || key > visible(call, job, last_query).last) return;
  const int d = call.head_dim, x = threadIdx.x % 16, y = threadIdx.x / 16;
  float sum[4][4] = {};
  for (int depth = 0; depth < d; depth += kDepth) {
    for (int i = threadIdx.x; i < kTile * kDepth; i += kScoreThreads) {
      const int row = i / kDepth, e = i % kDepth;
      queries[e][row] = query + row < query_blocks ? job.query_means[(query + row) * d + depth + e] : 0.0f;
      keys[e][row] = key + row < key_blocks ? job.key_means[(key + row) * d + depth + e] : 0.0f;
    }
    __syncthreads();
#pragma unroll
    for (int e = 0; e < kDepth; ++e) {
      float a[4], b[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        a[i] = queries[e][4 * y + i];
        b[i] = keys[e][4 * x + i];
      }
#pragma unroll
      for (int i = 0; i < 4; ++i) {
#pragma unroll
        for (int j = 0; j < 4; ++j) sum[i][j] += a[i] * b[j];
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const int64_t row = int64_t{blockIdx.y} * kTile + 4 * y + i;  // of the strip
    if (row >= strip) continue;
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      if (key + 4 * x + j < key_blocks) job.block_scores[row * stride + key + 4 * x + j] = sum[i][j] * call.sm_scale;
    }
  }
}

// grid: (row blocks of the strip, jobs). The union of its query blocks' choices, by way of a bitmap.
__global__ void __launch_bounds__(kSelectThreads)
    select_kernel(PlanCall call, const Job* jobs, int64_t first_query, int64_t stride) {
  __shared__ SelectScratch scratch;
  __shared__ uint32_t kept[kMostKeyBlocks / 32];
  const Job job = jobs[blockIdx.y];
  if (job.pattern.kind != static_cast<int32_t>(PatternKind::kBlockSparse)) return;
  const int64_t each = call.block_m / kPatternBlock;  // query blocks per row block
  const int64_t query_blocks = blocks_of(job.rows), begin = first_query + blockIdx.x * each;
  if (begin >= query_blocks) return;
  const int32_t words = static_cast<int32_t>((blocks_of(int64_t{job.past} + job.rows) + 31) / 32);
  for (int32_t w = threadIdx.x; w < words; w += kSelectThreads) kept[w] = 0;
  __syncthreads();
  const int64_t end = begin + each < query_blocks ? begin + each : query_blocks;
  for (int64_t query = begin; query < end; ++query) {
    const VisibleBlocks seen = visible(call, job, query);
    const auto own = static_cast<int32_t>(seen.last + 1 - seen.own),
               others = static_cast<int32_t>(seen.own - seen.first);
    for (int32_t b = threadIdx.x; b < own; b += kSelectThreads) {
      atomicOr(&kept[(seen.own + b) / 32], 1u << (seen.own + b) % 32);
    }
    const int32_t count = job.pattern.a - (own > 0 ? own : 0);
    if (count <= 0 || others <= 0) continue;
    const float* scores = job.block_scores + (query - first_query) * stride + seen.first;
    const auto key = [=](int32_t i) { return falling_key(scores[i]); };
    const Threshold threshold = find_threshold<kSelectThreads>(key, others, count, scratch);
    for_each_chosen<kSelectThreads>(key, others, threshold, scratch, [&](int32_t, int32_t i) {
      atomicOr(&kept[(seen.first + i) / 32], 1u << (seen.first + i) % 32);
    });
  }
  __syncthreads();
  const int64_t row_block = begin / each;
  uint16_t* to = job.key_blocks + row_block * job.blocks_stride;
  int32_t written = 0;
  for (int32_t base = 0; base < words; base += kSelectThreads) {
    const int32_t w = base + static_cast<int32_t>(threadIdx.x);
    uint32_t bits = w < words ? kept[w] : 0;
    int total;
    int32_t at = written + block_exclusive_sum<kSelectThreads>(__popc(bits), scratch.warp_sums, total);
    for (; bits != 0; bits &= bits - 1) to[at++] = static_cast<uint16_t>(32 * w + __ffs(static_cast<int>(bits)) - 1);
    written += total;
  }
  if (threadIdx.x == 0) job.block_counts[row_block] = written;
}

}  // namespace

void pool_blocks(const PlanCall& call, DataType dtype, const PoolSlot* slots, int64_t count, int64_t longest,
                 const Context& context) {
  if (count == 0 || longest == 0) return;
  dispatch_half(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const dim3 grid(static_cast<unsigned>(longest), static_cast<unsigned>(count));
    launch(pool_kernel<T>, grid, dim3(static_cast<unsigned>((call.head_dim + 31) / 32 * 32)), 0, context.stream, call,
           slots);
  });
}

void select_blocks(const PlanCall& call, const Job* jobs, int64_t count, int64_t query_blocks, int64_t key_blocks,
                   int64_t strip, const Context& context) {
  if (count == 0 || query_blocks == 0) return;
  const int64_t each = call.block_m / kPatternBlock;
  for (int64_t first = 0; first < query_blocks; first += strip) {
    const int64_t rows = std::min(strip, query_blocks - first);
    const dim3 tiles(static_cast<unsigned>((key_blocks + kTile - 1) / kTile),
                     static_cast<unsigned>((rows + kTile - 1) / kTile), static_cast<unsigned>(count));
    launch(score_kernel, tiles, dim3(kScoreThreads), 0, context.stream, call, jobs, first, strip, key_blocks);
    const dim3 row_blocks(static_cast<unsigned>((rows + each - 1) / each), static_cast<unsigned>(count));
    launch(select_kernel, row_blocks, dim3(kSelectThreads), 0, context.stream, call, jobs, first, key_blocks);
  }
}

}  // namespace minference::cuda
