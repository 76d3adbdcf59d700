#include "parts.cuh"

template struct minference::cuda::decode_kernels::Parts<128>;
