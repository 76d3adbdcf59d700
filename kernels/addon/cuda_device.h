// What the addon itself does with a CUDA device. In a build without CUDA, everything but facts throws.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "minference/params.h"

namespace minference::addon {

// The first device that CUDA_VISIBLE_DEVICES leaves.
constexpr int kCudaDevice = 0;

// Uninitialised memory of the device. Throws std::bad_alloc when there is none left, else std::runtime_error.
std::shared_ptr<void> cuda_allocate(size_t bytes);

// Copies between host and device memory, in either direction, and waits for the end.
void cuda_copy(void* to, const void* from, size_t bytes);

// Tile of the kernel for this head size on the device.
KernelGeometry cuda_geometry(int64_t head_dim);

struct CudaFacts {
  std::string problem;  // why there is no device; else empty
  std::string name;
  int major = 0, minor = 0;  // compute capability
  int multiprocessors = 0;
  size_t free_bytes = 0, total_bytes = 0;
  int driver_version = 0, runtime_version = 0;  // 13000 is CUDA 13.0
};
CudaFacts cuda_facts();

}  // namespace minference::addon
