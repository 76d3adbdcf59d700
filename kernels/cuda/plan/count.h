// What the plans cost, and the order in which the attention kernels take their row blocks.
#pragma once

#include "jobs.h"
#include "minference/cuda.h"

namespace minference::cuda {

// Tiles of each row block of each sparse plan (jobs' block_tiles) and of the head (plans' tiles). `row_blocks`: the
// most of any job.
void count_tiles(const PlanCall& call, const Job* jobs, DevicePlan* plans, int64_t count, int64_t row_blocks,
                 const Context& context);

// Plans whose tiles, times `sparse_tile` (the time of a sparse tile in dense ones), come to the dense tiles become
// dense, unless their flags say otherwise.
void fall_back(const Job* jobs, DevicePlan* plans, int64_t count, float sparse_tile, const Context& context);

// Schedule of the plans of a whole call: jobs[batch * num_heads + head]. `items` per head: of the padded call.
Schedule make_schedule(const PlanCall& call, const Job* jobs, const DevicePlan* plans, int64_t batch, int64_t items,
                       const Context& context);

}  // namespace minference::cuda
