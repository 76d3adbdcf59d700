#include "../common/dtype.cuh"
#include "../common/launch.cuh"
#include "fill.h"

namespace minference::cuda {
namespace {

constexpr int kThreads = 256;

// The sum of four evenly distributed bytes of a hash, shifted and scaled.
__global__ void noise_kernel(__half* out, int64_t count, uint32_t seed) {
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count; i += int64_t{gridDim.x} * kThreads) {
    uint32_t x = static_cast<uint32_t>(i) * 0x9e3779b9u + seed;
    x = (x ^ x >> 16) * 0x85ebca6bu;
    x = (x ^ x >> 13) * 0xc2b2ae35u;
    x ^= x >> 16;
    const uint32_t sum = (x & 255) + (x >> 8 & 255) + (x >> 16 & 255) + (x >> 24);
    out[i] = from_float<__half>((static_cast<float>(sum) - 510) * (1 / 148.0f));
  }
}

}  // namespace

void fill_with_noise(void* out, int64_t count, uint32_t seed, cudaStream_t stream) {
  const int64_t blocks = (count + kThreads - 1) / kThreads;
  if (blocks == 0) return;
  launch(noise_kernel, dim3(static_cast<unsigned>(blocks < 4096 ? blocks : 4096)), dim3(kThreads), 0, stream, out,
         count, seed);
}

}  // namespace minference::cuda
