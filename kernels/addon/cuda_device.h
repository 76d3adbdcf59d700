// What the addon itself does with a CUDA device. In a build without CUDA, everything but facts throws.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "minference/params.h"

namespace minference::addon {

// Devices are numbered from 0 among those that CUDA_VISIBLE_DEVICES leaves.

// Uninitialised memory of a device. Throws std::bad_alloc when there is none left, else std::runtime_error.
std::shared_ptr<void> cuda_allocate(size_t bytes, int device);

// Copies between the host's memory and a device's, in either direction, and waits for the end.
void cuda_copy(void* to, const void* from, size_t bytes, int device);

// Tile of the kernel for this head size on a device.
KernelGeometry cuda_geometry(int64_t head_dim, int device);

struct CudaMemory {
  size_t free_bytes, total_bytes;
};
CudaMemory cuda_memory(int device);

struct CudaDevice {
  std::string name;
  int major, minor;  // compute capability
  int multiprocessors;
  size_t total_bytes;
};

// What the driver tells without taking a device into use.
struct CudaFacts {
  std::string problem;                          // why there is no device; else empty
  int driver_version = 0, runtime_version = 0;  // 13000 is CUDA 13.0
  std::vector<CudaDevice> devices;
};
CudaFacts cuda_facts();

}  // namespace minference::addon
