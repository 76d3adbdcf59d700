// Orders ordinary accesses to shared memory (also cp.async) with those of TMA and wgmma.
#pragma once

#include "common/launch.cuh"

namespace minference::cuda::ptx {

__device__ inline void fence_async_proxy() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  asm volatile("fence.proxy.async.shared::cta;\n" ::: "memory");
#else
  __trap();
#endif
}

}  // namespace minference::cuda::ptx
