// The kernel of one head size, compiled in a file of its own.
#pragma once

#include "work.h"

namespace minference::cuda::decode_kernels {

template <int kHeadDim>
struct Parts {
  static DecodeCapacity capacity(int64_t rows, DataType dtype);
  static void launch(const DecodeWork& work, DataType dtype, cudaStream_t stream);
};

}  // namespace minference::cuda::decode_kernels
