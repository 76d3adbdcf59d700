// Attention on Hopper (sm_90a): TMA, wgmma and specialised warps.
#pragma once

#include "../plan/planner.h"

namespace minference::cuda {

// Whether the kernel takes head size, strides and alignment of the call, on a device of compute capability 9.0.
bool takes_sm90(const AttentionParams& params);

// `geometry` is that of geometry_sm90().
void attend_sm90(const AttentionParams& params, const Plans& plans, const Context& context);

}  // namespace minference::cuda
