// Where the last kLastQ rows of a call attend (paper, Algorithm 2), for any number of heads at once.
#pragma once

#include "jobs.h"
#include "minference/cuda.h"

namespace minference::cuda {

// Segments of keys in which a context of `total` keys is streamed; EstimateSlot::partial is as long.
int64_t estimate_segments(int64_t total);

// Fills slots[0 … count), which are in device memory; `longest` is the longest context among them. The slots' columns
// and slashes lie in one piece, `sums` … + `sums_bytes`, which is cleared first.
void estimate_last_rows(const PlanCall& call, DataType dtype, const EstimateSlot* slots, int64_t count, int64_t longest,
                        float* sums, size_t sums_bytes, const Context& context);

}  // namespace minference::cuda
