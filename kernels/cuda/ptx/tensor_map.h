// Descriptions of tensors in global memory from which TMA copies boxes; made on the host, passed to a kernel as
// `const __grid_constant__ TensorMap`.
#pragma once

#include <cuda.h>

#include <cstdint>

#include "minference/params.h"

namespace minference::cuda::ptx {

using TensorMap = CUtensorMap;

// Dimension 0 is the innermost; `byte_strides` (multiples of 16) are those of dimensions 1 … rank - 1. The box's rows
// are 128 bytes long and lie in shared memory one after the other, the 16-byte pieces of each permuted: bits 4–6 of the
// address are XORed with bits 7–9. Elements outside the tensor are zero. Throws CudaError, also where the driver is too
// old for TMA.
TensorMap make_tensor_map(DataType dtype, const void* base, int rank, const uint64_t* dims,
                          const uint64_t* byte_strides, const uint32_t* box);

}  // namespace minference::cuda::ptx
