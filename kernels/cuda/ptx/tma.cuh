// TMA: copies of boxes from global to shared memory, by one thread, complete when the barrier has received their bytes.
#pragma once

#include <cstdint>

#include "common/launch.cuh"
#include "ptx/mbarrier.cuh"
#include "ptx/tensor_map.h"

namespace minference::cuda::ptx {

// c0 is the innermost coordinate; boxes may lie outside the tensor in part or altogether, also at negative coordinates.
// `shared` is 128-byte aligned; the swizzle goes by its address.
__device__ inline void tma_load_4d(void* shared, const TensorMap* map, Barrier* barrier, int32_t c0, int32_t c1,
                                   int32_t c2, int32_t c3) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  const auto to = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  const auto done = static_cast<uint32_t>(__cvta_generic_to_shared(barrier));
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5, %6}], "
      "[%2];\n" ::"r"(to),
      "l"(map), "r"(done), "r"(c0), "r"(c1), "r"(c2), "r"(c3)
      : "memory");
#else
  __trap();
#endif
}

// `policy`: of the L2 cache, from a function below.
__device__ inline void tma_load_4d(void* shared, const TensorMap* map, Barrier* barrier, int32_t c0, int32_t c1,
                                   int32_t c2, int32_t c3, uint64_t policy) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  const auto to = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  const auto done = static_cast<uint32_t>(__cvta_generic_to_shared(barrier));
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1, {%3, %4, "
      "%5, %6}], [%2], %7;\n" ::"r"(to),
      "l"(map), "r"(done), "r"(c0), "r"(c1), "r"(c2), "r"(c3), "l"(policy)
      : "memory");
#else
  __trap();
#endif
}

__device__ inline uint64_t policy_evict_first() {
  uint64_t policy;
  asm("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;\n" : "=l"(policy));
  return policy;
}
__device__ inline uint64_t policy_evict_last() {
  uint64_t policy;
  asm("createpolicy.fractional.L2::evict_last.b64 %0, 1.0;\n" : "=l"(policy));
  return policy;
}

__device__ inline void tma_prefetch(const TensorMap* map) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  asm volatile("prefetch.tensormap [%0];\n" ::"l"(map) : "memory");
#else
  __trap();
#endif
}

}  // namespace minference::cuda::ptx
