// ptx/tma.cuh on the CPU.
#pragma once

#include <cstdint>

#include "../cuda_on_cpu.h"
#include "mbarrier.cuh"
#include "tensor_map.h"

namespace minference::cuda::ptx {

namespace detail {

// Fills one row of the box (128 bytes), piece by piece as the swizzle puts them.
inline void copy_row(unsigned char* tile, uint64_t row, const TensorMap& map, const int64_t (&at)[5]) {
  bool inside = true;
  const unsigned char* from = map.base;
  for (int i = 1; i < 5; ++i) {
    inside = inside && at[i] >= 0 && at[i] < static_cast<int64_t>(map.dims[i]);
    if (inside) from += at[i] * static_cast<int64_t>(map.byte_strides[i]);
  }
  for (uint32_t c = 0; c < map.box[0]; ++c) {
    const int64_t column = at[0] + c;
    const uint32_t linear = emulate::shared_address(tile + row * 128 + c * map.element_bytes);
    void* to = emulate::shared_pointer(linear ^ (linear >> 7 & 7) << 4);
    if (inside && column >= 0 && column < static_cast<int64_t>(map.dims[0])) {
      std::memcpy(to, from + column * map.element_bytes, map.element_bytes);
    } else {
      std::memset(to, 0, map.element_bytes);
    }
  }
}

inline void copy_box(unsigned char* tile, const TensorMap& map, const int32_t (&c)[4]) {
  uint64_t row = 0;
  for (uint32_t k = 0; k < map.box[3]; ++k) {
    for (uint32_t j = 0; j < map.box[2]; ++j) {
      for (uint32_t i = 0; i < map.box[1]; ++i) {
        copy_row(tile, row++, map, {c[0], int64_t{c[1]} + i, int64_t{c[2]} + j, int64_t{c[3]} + k, 0});
      }
    }
  }
}

}  // namespace detail

inline void tma_load_4d(void* shared, const TensorMap* map, Barrier* barrier, int32_t c0, int32_t c1, int32_t c2,
                        int32_t c3) {
  if (map->rank != 4) throw CudaError("tma_load_4d: the map has another rank");
  if (emulate::shared_address(shared) % 128 != 0) throw CudaError("tma_load_4d: misaligned shared memory");
  const uint32_t bytes = map->box[1] * map->box[2] * map->box[3] * 128;
  emulate::enqueue_block(barrier, [=, source = *map] {
    detail::copy_box(static_cast<unsigned char*>(shared), source, {c0, c1, c2, c3});
    emulate::mbarrier_complete(barrier, bytes);
  });
}
inline void tma_load_4d(void* shared, const TensorMap* map, Barrier* barrier, int32_t c0, int32_t c1, int32_t c2,
                        int32_t c3, uint64_t) {
  tma_load_4d(shared, map, barrier, c0, c1, c2, c3);
}
inline uint64_t policy_evict_first() { return 1; }
inline uint64_t policy_evict_last() { return 2; }
inline void tma_prefetch(const TensorMap*) {}

}  // namespace minference::cuda::ptx
