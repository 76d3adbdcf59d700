// Indices that the caller gives, as the kernels of this device walk over them.
#pragma once

#include <vector>

#include "call_shape.h"

namespace minference::cuda {

// Cuts the index of every explicit job for the call's row blocks and puts it into device memory, once per index.
void place_indices(const CallShape& shape, std::vector<Job>& jobs, const Context& context);

}  // namespace minference::cuda
