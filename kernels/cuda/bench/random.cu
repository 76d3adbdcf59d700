#include <algorithm>

#include "../common/dtype.cuh"
#include "common/launch.cuh"
#include "minference/pattern.h"
#include "random.h"

namespace minference::cuda::bench {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kMostBlocks = 1 << 15;
// Logits of a planted diagonal and of a column, for head_dim 128: clear of the others' sums, and of each other.
constexpr float kQuery = 8.2f, kDiagonal = 8.2f, kColumn = 10.3f;
constexpr float kQuietQuery = 0.5f;  // the last rows' other elements

dim3 grid_for(int64_t count) {
  return dim3(static_cast<unsigned>(std::clamp<int64_t>((count + kThreads - 1) / kThreads, 1, kMostBlocks)));
}

__device__ inline float normal_at(uint64_t seed, uint64_t index) {
  uint64_t x = (index + 1) * 0x9e3779b97f4a7c15ull + seed * 0xd1342543de82ef95ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  x ^= x >> 31;
  const float u = (static_cast<float>(static_cast<uint32_t>(x)) + 0.5f) * 0x1p-32f;
  const float v = static_cast<float>(static_cast<uint32_t>(x >> 32)) * 0x1p-32f;
  return sqrtf(-2 * logf(fminf(u, 0.99999994f))) * cosf(6.2831853f * v);
}

template <typename T>
__global__ void __launch_bounds__(kThreads) normal_kernel(T* values, int64_t count, uint64_t seed) {
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count; i += int64_t{gridDim.x} * kThreads) {
    values[i] = from_float<T>(normal_at(seed, static_cast<uint64_t>(i)));
  }
}

template <typename T>
__global__ void __launch_bounds__(kThreads) constant_kernel(T* values, int64_t count, float value) {
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count; i += int64_t{gridDim.x} * kThreads) {
    values[i] = from_float<T>(value);
  }
}

template <typename T>
__global__ void __launch_bounds__(kThreads) plant_queries(T* q, AttentionShape shape, uint64_t seed) {
  const int64_t rows = kLastQ * shape.num_heads, i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= rows * shape.head_dim) return;
  const int64_t element = i % shape.head_dim, row = i / shape.head_dim / shape.num_heads;
  const float noise = kQuietQuery * normal_at(seed, static_cast<uint64_t>(i));
  q[(shape.seqlen_q - kLastQ) * shape.num_heads * shape.head_dim + i] = from_float<T>(element == row ? kQuery : noise);
}

template <typename T>
__global__ void __launch_bounds__(kThreads) plant_keys(T* k, AttentionShape shape, PlantedKeys planted) {
  const int64_t n = shape.seqlen_q, bands = n / kPatternBlock, count = n * shape.num_kv_heads * kLastQ;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count; i += int64_t{gridDim.x} * kThreads) {
    const int64_t row = i % kLastQ, head = i / kLastQ % shape.num_kv_heads, key = i / kLastQ / shape.num_kv_heads;
    T* element = k + (key * shape.num_kv_heads + head) * shape.head_dim + row;
    const int64_t distance = n - kLastQ + row - key;
    if (planted.columns[head * n + key] != 0) {
      *element = from_float<T>(kColumn);
    } else if (distance >= 0 && (distance < planted.near || (distance % kPatternBlock < kPatternBlock / 2 &&
                                                             planted.bands[head * bands + distance / kPatternBlock]))) {
      *element = from_float<T>(kDiagonal);
    }
  }
}

}  // namespace

void fill_normal(void* values, int64_t count, DataType dtype, uint64_t seed, cudaStream_t stream) {
  dispatch_half(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    launch(normal_kernel<T>, grid_for(count), dim3(kThreads), 0, stream, static_cast<T*>(values), count, seed);
  });
}

void fill_constant(void* values, int64_t count, DataType dtype, float value, cudaStream_t stream) {
  dispatch_half(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    launch(constant_kernel<T>, grid_for(count), dim3(kThreads), 0, stream, static_cast<T*>(values), count, value);
  });
}

void plant(void* q, void* k, const AttentionShape& shape, const PlantedKeys& planted, DataType dtype, uint64_t seed,
           cudaStream_t stream) {
  dispatch_half(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const int64_t queries = kLastQ * shape.num_heads * shape.head_dim;
    const dim3 all_queries(static_cast<unsigned>((queries + kThreads - 1) / kThreads));
    launch(plant_queries<T>, all_queries, dim3(kThreads), 0, stream, static_cast<T*>(q), shape, seed);
    launch(plant_keys<T>, grid_for(shape.seqlen_q * shape.num_kv_heads * kLastQ), dim3(kThreads), 0, stream,
           static_cast<T*>(k), shape, planted);
  });
}

}  // namespace minference::cuda::bench
