// ptx/named_barrier.cuh on the CPU.
#pragma once

#include "../cuda_on_cpu.h"

namespace minference::cuda::ptx {

inline void named_sync(int id, int threads) { emulate::barrier_sync(id, threads); }
inline void named_arrive(int id, int threads) { emulate::barrier_arrive(id, threads); }

}  // namespace minference::cuda::ptx
