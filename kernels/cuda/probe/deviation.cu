#include "../common/check.h"
#include "../common/dtype.cuh"
#include "common/launch.cuh"
#include "deviation.h"

namespace minference::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;
constexpr int kRowsPerBlock = 64;

struct Rows {
  const void* sparse_out;
  const void* dense_out;
  const float* sparse_lse;
  const float* dense_lse;
  int64_t rows, seqlen_q;
  int32_t num_heads, head_dim;
};

__device__ inline float sum_of_warp(float value) {
  for (int offset = 16; offset > 0; offset /= 2) value += __shfl_xor_sync(0xffffffffu, value, offset);
  return value;
}

__device__ inline void add(Deviation& sum, const Deviation& other) {
  sum.difference += other.difference;
  sum.norm += other.norm;
  sum.last_difference += other.last_difference;
  sum.last_norm += other.last_norm;
  sum.recall += other.recall;
}

// One warp for each row: grid (blocks of rows, heads), partial [head, block].
template <typename T>
__global__ void __launch_bounds__(kThreads) deviation_kernel(Rows r, Deviation* partial) {
  __shared__ Deviation of_warp[kWarps];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int head = blockIdx.y;
  const int64_t first = int64_t{blockIdx.x} * kRowsPerBlock;
  Deviation sum{};
  for (int64_t row = first + warp; row < first + kRowsPerBlock && row < r.rows; row += kWarps) {
    const int64_t at = (row * r.num_heads + head) * r.head_dim;
    const T* sparse = static_cast<const T*>(r.sparse_out) + at;
    const T* dense = static_cast<const T*>(r.dense_out) + at;
    float difference = 0.f, norm = 0.f;
    for (int e = lane; e < r.head_dim; e += 32) {
      const float x = to_float(dense[e]), delta = to_float(sparse[e]) - x;
      difference += delta * delta;
      norm += x * x;
    }
    difference = sum_of_warp(difference);
    norm = sum_of_warp(norm);
    const float lse = r.dense_lse[head * r.seqlen_q + row];
    const double recall =
        lse == -INFINITY ? 1.0 : static_cast<double>(expf(r.sparse_lse[head * r.seqlen_q + row] - lse));
    const bool is_last = row >= r.rows - kLastQ;
    add(sum, {difference, norm, is_last ? difference : 0.f, is_last ? norm : 0.f, recall});
  }
  if (lane == 0) of_warp[warp] = sum;
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (int w = 1; w < kWarps; ++w) add(sum, of_warp[w]);
  partial[head * gridDim.x + blockIdx.x] = sum;
}

// One block for each head.
__global__ void __launch_bounds__(kThreads) sum_kernel(const Deviation* partial, int64_t blocks, Deviation* total) {
  __shared__ Deviation of_thread[kThreads];
  Deviation sum{};
  for (int64_t i = threadIdx.x; i < blocks; i += kThreads) add(sum, partial[blockIdx.x * blocks + i]);
  of_thread[threadIdx.x] = sum;
  for (int width = kThreads / 2; width > 0; width /= 2) {
    __syncthreads();
    if (threadIdx.x < static_cast<unsigned>(width)) add(of_thread[threadIdx.x], of_thread[threadIdx.x + width]);
  }
  if (threadIdx.x == 0) total[blockIdx.x] = of_thread[0];
}

}  // namespace

std::vector<Deviation> measure_deviation(const AttentionParams& params, const void* sparse_out, const float* sparse_lse,
                                         const Context& context) {
  const int64_t heads = params.shape.num_heads, rows = params.new_lens[0];
  std::vector<Deviation> result(static_cast<size_t>(heads));
  if (rows == 0) return result;
  const int64_t blocks = (rows + kRowsPerBlock - 1) / kRowsPerBlock;
  auto* partial = static_cast<Deviation*>(context.allocate(static_cast<size_t>(heads * blocks) * sizeof(Deviation)));
  auto* total = static_cast<Deviation*>(context.allocate(result.size() * sizeof(Deviation)));
  const Rows r{sparse_out,
               params.out,
               sparse_lse,
               params.lse,
               rows,
               params.shape.seqlen_q,
               static_cast<int32_t>(heads),
               static_cast<int32_t>(params.shape.head_dim)};
  dispatch_half(params.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    launch(deviation_kernel<T>, dim3(static_cast<unsigned>(blocks), static_cast<unsigned>(heads)), dim3(kThreads), 0,
           context.stream, r, partial);
  });
  launch(sum_kernel, dim3(static_cast<unsigned>(heads)), dim3(kThreads), 0, context.stream, partial, blocks, total);
  check(
      cudaMemcpyAsync(result.data(), total, result.size() * sizeof(Deviation), cudaMemcpyDeviceToHost, context.stream),
      "reading the deviations");
  check(cudaStreamSynchronize(context.stream), "measuring the deviation");
  return result;
}

}  // namespace minference::cuda
