// ptx/fence.cuh on the CPU.
#pragma once

#include "../cuda_on_cpu.h"

namespace minference::cuda::ptx {

inline void fence_async_proxy() {}

}  // namespace minference::cuda::ptx
