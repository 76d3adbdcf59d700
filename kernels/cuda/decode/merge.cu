#include <algorithm>

#include "../common/dtype.cuh"
#include "common/launch.cuh"
#include "ptx/math.cuh"
#include "work.h"

namespace minference::cuda::decode_kernels {
namespace {

constexpr int kMostWarps = 16, kFewestWarps = 4;
constexpr float kLog2e = 1.4426950408889634f;
constexpr float kLn2 = 0.6931471805599453f;

// One row of one head: grid (row * num_heads + head, batch entry). The warps share the parts, and the order of the sums
// depends on their number alone.
template <typename T, int kHeadDim>
__global__ void __launch_bounds__(32 * kMostWarps) merge_kernel(const __grid_constant__ DecodeWork work) {
  constexpr int kColumns = kHeadDim / 32;  // per lane
  __shared__ float warp_out[kMostWarps][kHeadDim];
  __shared__ float warp_sums[kMostWarps];
  const DecodeEntry& entry = work.entries[blockIdx.y];
  const int64_t batch = work.first_batch + blockIdx.y;
  const int row = static_cast<int>(blockIdx.x) / work.num_heads, head = static_cast<int>(blockIdx.x) % work.num_heads;
  const int thread = static_cast<int>(threadIdx.x), warp = thread / 32, lane = thread % 32;
  const int warps = static_cast<int>(blockDim.x) / 32;
  const int kv_head = head / work.group, rows = work.seqlen_q * work.group;
  const int splits = row < entry.rows ? entry.splits : 0;
  const int64_t first_part = int64_t{entry.first_part} + kv_head * entry.splits;
  const int64_t first = first_part * rows + row * work.group + head % work.group;
  const float2* stats = work.part_stats + first;
  const float* parts = work.part_out + first * kHeadDim;

  float max = -INFINITY;
  bool has_sum = false;  // of a row whose scores are no numbers, of which there is no maximum, too
  for (int p = lane; p < splits; p += 32) {
    const float2 part = stats[int64_t{p} * rows];
    max = fmaxf(max, part.x);
    has_sum = has_sum || part.y != 0;
  }
  for (int bits = 16; bits > 0; bits /= 2) max = fmaxf(max, __shfl_xor_sync(0xffffffffu, max, bits));
  const bool has_keys = __any_sync(0xffffffffu, has_sum) != 0;

  float sum = 0, out[kColumns] = {};
  if (has_keys) {
#pragma unroll 4
    for (int p = warp; p < splits; p += warps) {
      const float2 part = stats[int64_t{p} * rows];
      const float weight = ptx::exp2_fast(part.x - max);
      sum += weight * part.y;
#pragma unroll
      for (int i = 0; i < kColumns; ++i) out[i] += weight * parts[int64_t{p} * rows * kHeadDim + i * 32 + lane];
    }
  }
#pragma unroll
  for (int i = 0; i < kColumns; ++i) warp_out[warp][i * 32 + lane] = out[i];
  if (lane == 0) warp_sums[warp] = sum;
  __syncthreads();

  sum = 0;
  for (int w = 0; w < warps; ++w) sum += warp_sums[w];
  if (thread == 0 && work.lse != nullptr) {
    work.lse[(batch * work.num_heads + head) * work.seqlen_q + row] = has_keys ? (max + log2f(sum)) * kLn2 : -INFINITY;
  }
  float denominator = sum;
  if (work.head_sink != nullptr && has_keys) denominator += exp2f(work.head_sink[head] * kLog2e - max);
  T* to = static_cast<T*>(work.out) + ((batch * work.seqlen_q + row) * work.num_heads + head) * kHeadDim;
  for (int column = thread; column < kHeadDim; column += static_cast<int>(blockDim.x)) {
    float total = 0;
    for (int w = 0; w < warps; ++w) total += warp_out[w][column];
    to[column] = from_float<T>(has_keys ? total / denominator : 0.f);
  }
}

template <int kHeadDim>
void launch_for(const DecodeWork& work, DataType dtype, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(work.seqlen_q) * static_cast<unsigned>(work.num_heads),
                  static_cast<unsigned>(work.num_entries));
  // One row of a long cache is a matter of latency, many rows of short ones are one of threads.
  int32_t splits = 0;
  for (int32_t i = 0; i < work.num_entries; ++i) splits = std::max(splits, work.entries[i].splits);
  const int warps = std::clamp((splits + 3) / 4, kFewestWarps, kMostWarps);
  dispatch_half(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    launch(merge_kernel<T, kHeadDim>, grid, dim3(static_cast<unsigned>(32 * warps)), 0, stream, work);
  });
}

}  // namespace

void launch_merge(const DecodeWork& work, int64_t head_dim, DataType dtype, cudaStream_t stream) {
  switch (head_dim) {
    case 64:
      return launch_for<64>(work, dtype, stream);
    case 96:
      return launch_for<96>(work, dtype, stream);
    case 128:
      return launch_for<128>(work, dtype, stream);
    case 256:
      return launch_for<256>(work, dtype, stream);
    default:
      throw std::invalid_argument("decode has kernels for head sizes 64, 96, 128 and 256");
  }
}

}  // namespace minference::cuda::decode_kernels
