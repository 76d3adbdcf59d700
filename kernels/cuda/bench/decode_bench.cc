// Time and bandwidth of decode(): what reaches the cache's bandwidth, and from which length on.
//   nvcc -O3 -std=c++20 --expt-relaxed-constexpr -diag-suppress=177 -gencode=arch=compute_90a,code=sm_90a \
//     -I kernels/include -I kernels -x cu kernels/cuda/bench/decode_bench.cc kernels/cuda/decode/*.c[cu] \
//     kernels/cuda/common/device.cc kernels/shared/check_params.cc -o decode_bench
#include <cuda_runtime_api.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "../common/check.h"
#include "../decode/decode.h"

namespace minference::cuda {
namespace {

struct Shape {
  int64_t batch, rows, heads, kv_heads, head_dim;
  int32_t past;
};

constexpr size_t kFlush = size_t{1} << 30;  // caches are alternated until they are this large: far more than the L2
constexpr int kRuns = 10, kCalls = 8;

void* allocate(size_t bytes) {
  void* block = nullptr;
  check(cudaMalloc(&block, bytes), "cudaMalloc");
  check(cudaMemset(block, 0, bytes), "cudaMemset");
  return block;
}

// Microseconds per call, of calls one after the other: the median of some runs.
double time_decode(const Shape& s) {
  const int64_t capacity = s.past + s.rows;
  const size_t cache = static_cast<size_t>(s.batch * s.kv_heads * capacity * s.head_dim) * 2;
  const size_t copies = std::max<size_t>(1, kFlush / (2 * cache));
  char* keys = static_cast<char*>(allocate(cache * copies));
  char* values = static_cast<char*>(allocate(cache * copies));
  const size_t rows = static_cast<size_t>(s.batch * s.rows * s.heads);
  void* q = allocate(rows * static_cast<size_t>(s.head_dim) * 2);
  void* out = allocate(rows * static_cast<size_t>(s.head_dim) * 2);
  void* scratch = allocate(size_t{256} << 20);

  const std::vector<int32_t> past(static_cast<size_t>(s.batch), s.past);
  const std::vector<int32_t> lengths(static_cast<size_t>(s.batch), static_cast<int32_t>(s.rows));
  AttentionParams p{};
  p.shape = {s.batch, s.rows, s.heads, s.kv_heads, s.head_dim, capacity};
  p.dtype = DataType::kFloat16;
  p.q = q;
  p.q_stride_head = s.head_dim;
  p.q_stride_seq = s.heads * s.head_dim;
  p.q_stride_batch = s.rows * p.q_stride_seq;
  p.out = out;
  p.past_lens = past.data();
  p.new_lens = lengths.data();
  p.sm_scale = 1 / std::sqrt(static_cast<float>(s.head_dim));
  p.local_window = -1;
  const Context context{nullptr, [&](size_t bytes) {
                          if (bytes > size_t{256} << 20) throw CudaError("more scratch than expected");
                          return scratch;
                        }};
  cudaEvent_t begin, end;
  check(cudaEventCreate(&begin), "cudaEventCreate");
  check(cudaEventCreate(&end), "cudaEventCreate");
  std::vector<double> times;
  size_t calls = 0;
  for (int i = 0; i < kRuns + 1; ++i) {
    check(cudaEventRecord(begin, nullptr), "cudaEventRecord");
    for (int j = 0; j < kCalls; ++j) {
      p.k = keys + calls % copies * cache;
      p.v = values + calls++ % copies * cache;
      decode(p, context);
    }
    check(cudaEventRecord(end, nullptr), "cudaEventRecord");
    check(cudaEventSynchronize(end), "cudaEventSynchronize");
    float ms = 0;
    check(cudaEventElapsedTime(&ms, begin, end), "cudaEventElapsedTime");
    if (i > 0) times.push_back(ms * 1e3 / kCalls);
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  for (void* block : {static_cast<void*>(keys), static_cast<void*>(values), q, out, scratch}) cudaFree(block);
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

void print(const Shape& s) {
  const double us = time_decode(s);
  const double bytes = 4.0 * static_cast<double>(s.batch * s.kv_heads * (s.past + s.rows) * s.head_dim);
  std::printf("batch %2ld, %2ld rows, %ld/%ld heads of %3ld, %7d keys: %8.1f us  %6.0f GB/s\n", s.batch, s.rows,
              s.heads, s.kv_heads, s.head_dim, s.past, us, bytes / us * 1e-3);
  std::fflush(stdout);
}

}  // namespace
}  // namespace minference::cuda

int main() {
  using minference::cuda::print;
  for (const int32_t past : {1 << 10, 1 << 13, 1 << 15, 1 << 17, 1 << 19}) print({1, 1, 32, 8, 128, past});
  for (const int64_t rows : {2, 4, 8, 16}) print({1, rows, 32, 8, 128, 1 << 17});
  for (const int64_t head_dim : {64, 96, 256}) print({1, 1, 32, 8, head_dim, 1 << 17});
  print({16, 1, 32, 8, 128, 1 << 13});
  print({1, 1, 32, 32, 128, 1 << 15});
}
