// Descriptions of tensors in global memory from which TMA copies boxes; made on the host, passed to a kernel as
// `const __grid_constant__ TensorMap`.
#pragma once

#ifndef MINFERENCE_EMULATE
#include <cuda.h>
#endif

#include <cstdint>

#include "minference/params.h"

namespace minference::cuda::ptx {

#ifdef MINFERENCE_EMULATE

struct alignas(64) TensorMap {
  const unsigned char* base;
  int rank;
  int element_bytes;
  uint64_t dims[5];
  uint64_t byte_strides[5];  // of dimension 0: element_bytes
  uint32_t box[5];
};

#else

using TensorMap = CUtensorMap;

#endif

// Dimension 0 is the innermost; `byte_strides` (multiples of 16) are those of dimensions 1 … rank - 1. The box's rows
// are 128 bytes long and lie in shared memory one after the other, the 16-byte pieces of each permuted: bits 4–6 of the
// address are XORed with bits 7–9. Elements outside the tensor are zero. Throws CudaError, also where the driver is too
// old for TMA.
TensorMap make_tensor_map(DataType dtype, const void* base, int rank, const uint64_t* dims,
                          const uint64_t* byte_strides, const uint32_t* box);

}  // namespace minference::cuda::ptx
