#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace minference::cuda {

// `count` float16 numbers of mean 0 and variance about 1; the same for the same seed.
void fill_with_noise(void* out, int64_t count, uint32_t seed, cudaStream_t stream);

}  // namespace minference::cuda
