// Every CUDA call and launch is checked; the error carries CUDA's own text.
#pragma once

#include <cuda_runtime_api.h>

#include <string>

#include "minference/cuda.h"

namespace minference::cuda {

inline void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  // A failed launch stays the last error; the next call must not be blamed for it.
  cudaGetLastError();
  throw CudaError(std::string(what) + " failed: " + cudaGetErrorString(status) + " (" + cudaGetErrorName(status) + ")");
}

}  // namespace minference::cuda
