// Which tensors TMA can copy boxes of.
#pragma once

#include <cstdint>

#include "minference/params.h"

namespace minference::cuda::ptx {

constexpr int kMostDims = 5;

int element_bytes(DataType dtype);

// Throws CudaError for shapes that the driver would only call an invalid value; parameters as of make_tensor_map.
void check_shape(DataType dtype, const void* base, int rank, const uint64_t* dims, const uint64_t* byte_strides,
                 const uint32_t* box);

}  // namespace minference::cuda::ptx
