// One translation unit per element type.
#pragma once

#include "call.h"
#include "minference/cuda.h"

namespace minference::cuda::sm80 {

void launch_half(const Call& call, cudaStream_t stream);
void launch_bfloat16(const Call& call, cudaStream_t stream);

}  // namespace minference::cuda::sm80
