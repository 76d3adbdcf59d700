// ptx/ldmatrix.cuh on the CPU.
#pragma once

#include <cstdint>

#include "../cuda_on_cpu.h"

namespace minference::cuda::ptx {

inline uint32_t shared_address(const void* shared) { return emulate::shared_address(shared); }

template <bool kTransposed>
inline void emulate_ldmatrix_x4(uint32_t (&r)[4], uint32_t address) {
  if (address % 16 != 0) throw CudaError("ldmatrix: misaligned address");
  struct Row {
    uint16_t element[8];
  } row;
  std::memcpy(&row, emulate::shared_pointer(address), sizeof(row));
  const emulate::WarpView warp = emulate::warp_read(kTransposed ? "ldmatrix.trans" : "ldmatrix", 0xffffffffu, row);
  const int g = emulate::lane() / 4, t = emulate::lane() % 4;
  for (int i = 0; i < 4; ++i) {
    uint16_t pair[2];
    for (int j = 0; j < 2; ++j) {
      pair[j] = kTransposed ? warp.at<Row>(8 * i + 2 * t + j).element[g] : warp.at<Row>(8 * i + g).element[2 * t + j];
    }
    std::memcpy(&r[i], pair, sizeof(pair));
  }
}
inline void ldmatrix_x4(uint32_t (&r)[4], uint32_t address) { emulate_ldmatrix_x4<false>(r, address); }
inline void ldmatrix_x4_transposed(uint32_t (&r)[4], uint32_t address) { emulate_ldmatrix_x4<true>(r, address); }

}  // namespace minference::cuda::ptx
