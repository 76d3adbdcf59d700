#include "launch_sm80.cuh"

namespace minference::cuda::sm80 {

void launch_half(const Call& call, cudaStream_t stream) { launch_type<__half>(call, stream); }

}  // namespace minference::cuda::sm80
