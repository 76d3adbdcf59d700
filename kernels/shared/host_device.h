// Marks what both devices compute by the same code.
#pragma once

#ifdef __CUDACC__
#define MINFERENCE_HOST_DEVICE __host__ __device__
#else
#define MINFERENCE_HOST_DEVICE
#endif
