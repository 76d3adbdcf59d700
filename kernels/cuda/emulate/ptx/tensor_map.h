// ptx/tensor_map.h on the CPU.
#pragma once

#include <cstdint>

#include "minference/params.h"

namespace minference::cuda::ptx {

struct alignas(64) TensorMap {
  const unsigned char* base;
  int rank;
  int element_bytes;
  uint64_t dims[5];
  uint64_t byte_strides[5];  // of dimension 0: element_bytes
  uint32_t box[5];
};

TensorMap make_tensor_map(DataType dtype, const void* base, int rank, const uint64_t* dims,
                          const uint64_t* byte_strides, const uint32_t* box);

}  // namespace minference::cuda::ptx
