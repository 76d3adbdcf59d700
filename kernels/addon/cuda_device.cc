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

void select() { check(cudaSetDevice(kCudaDevice), "selecting the CUDA device"); }

}  // namespace

std::shared_ptr<void> cuda_allocate(size_t bytes) {
  select();
  void* memory = nullptr;
  check(cudaMalloc(&memory, bytes == 0 ? 1 : bytes), "allocating device memory");
  return {memory, [](void* pointer) { cudaFree(pointer); }};
}

// On the thread's own stream, so that copies of one thread do not wait for another's; runs have ended before.
void cuda_copy(void* to, const void* from, size_t bytes) {
  select();
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, cudaStreamPerThread), "copying a tensor");
  check(cudaStreamSynchronize(cudaStreamPerThread), "copying a tensor");
}

KernelGeometry cuda_geometry(int64_t head_dim) {
  select();
  return cuda::attention_geometry(head_dim);
}

CudaFacts cuda_facts() {
  CudaFacts facts;
  try {
    check(cudaDriverGetVersion(&facts.driver_version), "asking for the CUDA driver");
    check(cudaRuntimeGetVersion(&facts.runtime_version), "asking for the CUDA run-time library");
    select();
    cudaDeviceProp properties;
    check(cudaGetDeviceProperties(&properties, kCudaDevice), "asking for the CUDA device");
    check(cudaMemGetInfo(&facts.free_bytes, &facts.total_bytes), "asking for device memory");
    facts.name = properties.name;
    facts.major = properties.major;
    facts.minor = properties.minor;
    facts.multiprocessors = properties.multiProcessorCount;
  } catch (const std::exception& error) {
    facts.problem = error.what();
  }
  return facts;
}

#else

namespace {
[[noreturn]] void refuse() { throw std::runtime_error("this build has no CUDA: npm run build:kernels with nvcc"); }
}  // namespace

std::shared_ptr<void> cuda_allocate(size_t) { refuse(); }
void cuda_copy(void*, const void*, size_t) { refuse(); }
KernelGeometry cuda_geometry(int64_t) { refuse(); }
CudaFacts cuda_facts() { return {.problem = "built without CUDA"}; }

#endif

}  // namespace minference::addon
