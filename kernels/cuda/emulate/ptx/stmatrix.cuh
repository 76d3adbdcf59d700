// ptx/stmatrix.cuh on the CPU.
#pragma once

#include <cstdint>

#include "../cuda_on_cpu.h"

namespace minference::cuda::ptx {

inline void stmatrix_x4(void* row, const uint32_t (&r)[4]) {
  struct Lane {
    void* row;
    uint32_t r[4];
  } mine{row, {r[0], r[1], r[2], r[3]}};
  if (emulate::shared_address(row) % 16 != 0) throw CudaError("stmatrix: misaligned row");
  const emulate::WarpView warp = emulate::warp_read("stmatrix", 0xffffffffu, mine);
  // Each lane writes the row that it gave.
  const int matrix = emulate::lane() / 8, from = emulate::lane() % 8 * 4;
  for (int i = 0; i < 4; ++i) {
    const uint32_t pair = warp.at<Lane>(from + i).r[matrix];
    std::memcpy(static_cast<unsigned char*>(row) + i * sizeof(pair), &pair, sizeof(pair));
  }
}

}  // namespace minference::cuda::ptx
