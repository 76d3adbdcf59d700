// Copies between element types: a head's extra logits, and the operands of float32 models.
#pragma once

#include "minference/cuda.h"

namespace minference::cuda {

// Rows of `width` elements at [i, j, k] of the input, for i < n[0], j < n[1], k < n[2]; the output has them contiguous.
struct RowLayout {
  int64_t n[3];
  int64_t stride[3];
  int64_t width;
};

// float32 → float16 (values out of range become the largest finite ones).
void narrow_rows(const float* in, const RowLayout& layout, void* out, cudaStream_t stream);

// `count` elements of `dtype` → float32.
void widen(const void* in, DataType dtype, int64_t count, float* out, cudaStream_t stream);

}  // namespace minference::cuda
