// Times the kernels on the current device, so that dense attention is chosen exactly where it is faster.
#pragma once

#include "../plan/cost_model.h"

namespace minference::cuda {

// With made-up data of up to `longest` keys; takes some 0.3 GB of device memory and, on an H200, less than a second.
// Throws CudaError, also where memory is short.
CostModel measure_costs(int64_t longest = 32768);

}  // namespace minference::cuda
