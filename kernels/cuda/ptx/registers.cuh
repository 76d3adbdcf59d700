// setmaxnreg: registers per thread, moved between warpgroups; all warps of a warpgroup execute it.
#pragma once

#include "common/launch.cuh"

namespace minference::cuda::ptx {

template <int N>
__device__ inline void registers_decrease() {
  static_assert(N >= 24 && N <= 256 && N % 8 == 0);
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;\n" ::"n"(N));
#else
  __trap();
#endif
}

template <int N>
__device__ inline void registers_increase() {
  static_assert(N >= 24 && N <= 256 && N % 8 == 0);
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;\n" ::"n"(N));
#else
  __trap();
#endif
}

}  // namespace minference::cuda::ptx
