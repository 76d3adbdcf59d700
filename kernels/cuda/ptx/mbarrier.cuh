// mbarrier: a phase is complete when its arrivals and the announced bytes have come; phases alternate in parity from 0.
#pragma once

#include <cstdint>

#include "common/launch.cuh"

namespace minference::cuda::ptx {

using Barrier = uint64_t;  // in shared memory

__device__ inline void barrier_init(Barrier* barrier, uint32_t count) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(barrier));
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;\n" ::"r"(address), "r"(count) : "memory");
#else
  __trap();
#endif
}

// After barrier_init, by the same thread, before others (also TMA) may use the barrier; then a __syncthreads.
__device__ inline void barrier_init_fence() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  asm volatile("fence.mbarrier_init.release.cluster;\n" ::: "memory");
#else
  __trap();
#endif
}

// Announces bytes that TMA will bring, and is one arrival.
__device__ inline void barrier_expect(Barrier* barrier, uint32_t bytes) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(barrier));
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;\n" ::"r"(address), "r"(bytes) : "memory");
#else
  __trap();
#endif
}

__device__ inline void barrier_arrive(Barrier* barrier) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(barrier));
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];\n" ::"r"(address) : "memory");
#else
  __trap();
#endif
}
__device__ inline void barrier_arrive(Barrier* barrier, uint32_t count) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(barrier));
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0], %1;\n" ::"r"(address), "r"(count) : "memory");
#else
  __trap();
#endif
}

// Returns when the phase with that parity is complete: at once for parity 1 of a new barrier.
__device__ inline void barrier_wait(Barrier* barrier, uint32_t parity) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(barrier));
  uint32_t complete;
  do {
    asm volatile(
        "{\n"
        ".reg .pred p;\n"
        "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
        "selp.u32 %0, 1, 0, p;\n"
        "}\n"
        : "=r"(complete)
        : "r"(address), "r"(parity)
        : "memory");
  } while (complete == 0);
#else
  __trap();
#endif
}

// Whether that phase is complete.
__device__ inline bool barrier_test(Barrier* barrier, uint32_t parity) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(barrier));
  uint32_t complete;
  asm volatile(
      "{\n"
      ".reg .pred p;\n"
      "mbarrier.test_wait.parity.shared::cta.b64 p, [%1], %2;\n"
      "selp.u32 %0, 1, 0, p;\n"
      "}\n"
      : "=r"(complete)
      : "r"(address), "r"(parity)
      : "memory");
  return complete != 0;
#else
  __trap();
#endif
}

// One arrival, once all of this thread's earlier cp.async are done; the barrier's count includes it. cp.async writes as
// ordinary code does: whoever waits needs a fence_async_proxy before wgmma reads.
__device__ inline void barrier_arrive_after_copies(Barrier* barrier) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(barrier));
  asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];\n" ::"r"(address) : "memory");
#else
  __trap();
#endif
}

}  // namespace minference::cuda::ptx
