// ptx/mbarrier.cuh on the CPU.
#pragma once

#include <cstdint>

#include "../mbarrier.h"

namespace minference::cuda::ptx {

using Barrier = uint64_t;  // in shared memory

inline void barrier_init(Barrier* barrier, uint32_t count) { emulate::mbarrier_init(barrier, count); }
inline void barrier_init_fence() {}
inline void barrier_expect(Barrier* barrier, uint32_t bytes) {
  emulate::mbarrier_expect(barrier, bytes);
  emulate::mbarrier_arrive(barrier, 1);
}
inline void barrier_arrive(Barrier* barrier) { emulate::mbarrier_arrive(barrier, 1); }
inline void barrier_arrive(Barrier* barrier, uint32_t count) { emulate::mbarrier_arrive(barrier, count); }
inline void barrier_wait(Barrier* barrier, uint32_t parity) { emulate::mbarrier_wait(barrier, parity); }
inline bool barrier_test(Barrier* barrier, uint32_t parity) { return emulate::mbarrier_test(barrier, parity); }
inline void barrier_arrive_after_copies(Barrier* barrier) {
  emulate::hand_over(0, barrier, [=] { emulate::mbarrier_arrive(barrier, 1); });
}

}  // namespace minference::cuda::ptx
