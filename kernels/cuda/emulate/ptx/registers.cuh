// ptx/registers.cuh on the CPU.
#pragma once

#include "../cuda_on_cpu.h"

namespace minference::cuda::ptx {

template <int N>
inline void registers_decrease() {
  static_assert(N >= 24 && N <= 256 && N % 8 == 0);
}

template <int N>
inline void registers_increase() {
  static_assert(N >= 24 && N <= 256 && N % 8 == 0);
}

}  // namespace minference::cuda::ptx
