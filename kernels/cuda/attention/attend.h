// Attention of all heads over the keys that their plans name.
#pragma once

#include "../plan/planner.h"

namespace minference::cuda {

// One launch on the context's stream; `plans` were made for `params` with `geometry` (attention_geometry), which
// chooses the kernels.
void attend(const AttentionParams& params, const Plans& plans, const KernelGeometry& geometry, const Context& context);

}  // namespace minference::cuda
