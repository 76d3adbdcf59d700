// Checked launches.
#pragma once

#include <cuda_runtime.h>

#include "check.h"

namespace minference::cuda {

// kernel<<<grid, block, smem, stream>>>(arguments...); `smem` above 48 KB is asked for.
template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t smem, cudaStream_t stream,
            Arguments&&... arguments) {
  if (smem > 48 * 1024) {
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(smem)),
          "asking for shared memory");
  }
  // It would write > > >.
  // clang-format off
  kernel<<<grid, block, smem, stream>>>(static_cast<Parameters>(arguments)...);
  // clang-format on
  check(cudaGetLastError(), "launching a kernel");
}

#ifdef __CUDACC__
// The block's dynamic shared memory, 1024-byte aligned.
__device__ inline unsigned char* dynamic_shared() {
  extern __shared__ __align__(1024) unsigned char shared_memory[];
  return shared_memory;
}
#endif

}  // namespace minference::cuda
