#include "cuda_device.h"

#include <new>
#include <stdexcept>

#ifdef MINFERENCE_CUDA
#include "minference/cuda.h"
#endif

namespace minference::addon {

#ifdef MINFERENCE_CUDA

namespace {

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();
  if (status == cudaErrorMemoryAllocation) throw std::bad_alloc();
  throw std::runtime_error(std::string(what) + " failed: " + cudaGetErrorString(status));
}

void select(int device) { check(cudaSetDevice(device), "selecting the CUDA device"); }

}  // namespace

std::shared_ptr<void> cuda_allocate(size_t bytes, int device) {
  select(device);
  void* memory = nullptr;
  check(cudaMalloc(&memory, bytes == 0 ? 1 : bytes), "allocating device memory");
  return {memory, [](void* pointer) { cudaFree(pointer); }};
}

// On the thread's own stream, so that copies of one thread do not wait for another's; runs have ended before.
void cuda_copy(void* to, const void* from, size_t bytes, int device) {
  select(device);
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, cudaStreamPerThread), "copying a tensor");
  check(cudaStreamSynchronize(cudaStreamPerThread), "copying a tensor");
}

KernelGeometry cuda_geometry(int64_t head_dim, int device) {
  select(device);
  return cuda::attention_geometry(head_dim);
}

CudaMemory cuda_memory(int device) {
  select(device);
  CudaMemory memory{};
  check(cudaMemGetInfo(&memory.free_bytes, &memory.total_bytes), "asking for device memory");
  return memory;
}

CudaFacts cuda_facts() {
  CudaFacts facts;
  try {
    check(cudaDriverGetVersion(&facts.driver_version), "asking for the CUDA driver");
    check(cudaRuntimeGetVersion(&facts.runtime_version), "asking for the CUDA run-time library");
    int count = 0;
    check(cudaGetDeviceCount(&count), "counting the CUDA devices");
    for (int device = 0; device < count; ++device) {
      cudaDeviceProp properties;
      check(cudaGetDeviceProperties(&properties, device), "asking for a CUDA device");
      facts.devices.push_back({properties.name, properties.major, properties.minor, properties.multiProcessorCount,
                               properties.totalGlobalMem});
    }
    if (count == 0) facts.problem = "the driver has no device";
  } catch (const std::exception& error) {
    facts.problem = error.what();
  }
  return facts;
}

#else

namespace {
[[noreturn]] void refuse() { throw std::runtime_error("this build has no CUDA: npm run build:kernels with nvcc"); }
}  // namespace

std::shared_ptr<void> cuda_allocate(size_t, int) { refuse(); }
void cuda_copy(void*, const void*, size_t, int) { refuse(); }
KernelGeometry cuda_geometry(int64_t, int) { refuse(); }
CudaMemory cuda_memory(int) { refuse(); }
CudaFacts cuda_facts() { return {.problem = "built without CUDA"}; }

#endif

}  // namespace minference::addon
