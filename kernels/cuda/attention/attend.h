// Attention of all heads over the keys that their plans name.
#pragma once

#include "../plan/planner.h"

namespace minference::cuda {

// Two launches on the context's stream, of which the second is for what came out spoiled (work_queue.h) and mostly has
// nothing to do; `plans` were made for `params` with `geometry` (attention_geometry), which chooses the kernels.
void attend(const AttentionParams& params, const Plans& plans, const KernelGeometry& geometry, const Context& context);

}  // namespace minference::cuda
