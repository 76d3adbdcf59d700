#include "launch_sm80.cuh"

namespace minference::cuda::sm80 {

void launch_bfloat16(const Call& call, cudaStream_t stream) { launch_type<__nv_bfloat16>(call, stream); }

}  // namespace minference::cuda::sm80
