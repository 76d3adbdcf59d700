// Where the last kLastQ rows of a call attend (paper, Algorithm 2), for any number of heads at once.
#pragma once

#include <vector>

#include "jobs.h"
#include "minference/cuda.h"

namespace minference::cuda {

// Segments of keys in which a context of `total` keys is streamed; EstimateSlot::partial is as long.
int64_t estimate_segments(int64_t total);

// Fills the slots' columns and slashes; `longest` is the longest context among them. Neighbours of the same cache head
// share its keys.
void estimate_last_rows(const PlanCall& call, DataType dtype, const std::vector<EstimateSlot>& slots, int64_t longest,
                        const Context& context);

}  // namespace minference::cuda
