// Launches on the CPU, and what else kernels use of CUDA C++.
#pragma once

#include "../cuda_on_cpu.h"
