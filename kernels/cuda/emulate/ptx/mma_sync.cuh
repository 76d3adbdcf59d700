// ptx/mma_sync.cuh on the CPU.
#pragma once

#include <cstdint>

#include "../../common/dtype.cuh"
#include "../cuda_on_cpu.h"

namespace minference::cuda::ptx {

template <typename T>
inline void mma_m16n8k16(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  struct Fragment {
    T a[8], b[4];
  } mine;
  std::memcpy(mine.a, a, sizeof(a));
  std::memcpy(mine.b, b, sizeof(b));
  const emulate::WarpView warp = emulate::warp_read("mma.sync.m16n8k16", 0xffffffffu, mine);
  const int g = emulate::lane() / 4, t = emulate::lane() % 4;
  for (int i = 0; i < 4; ++i) {
    const int row = g + i / 2 * 8, column = 2 * t + i % 2;
    double sum = c[i];
    for (int k = 0; k < 16; ++k) {
      const Fragment rows = warp.at<Fragment>(row % 8 * 4 + k % 8 / 2),
                     columns = warp.at<Fragment>(column * 4 + k % 8 / 2);
      sum += double{to_float(rows.a[(row / 8 + k / 8 * 2) * 2 + k % 2])} * to_float(columns.b[k / 8 * 2 + k % 2]);
    }
    c[i] = static_cast<float>(sum);
  }
}

}  // namespace minference::cuda::ptx
