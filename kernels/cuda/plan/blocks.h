// block_sparse (paper, Algorithm 4): mean-pooled blocks of queries against mean-pooled blocks of keys.
#pragma once

#include "jobs.h"
#include "minference/cuda.h"

namespace minference::cuda {

// Fills the means of slots[0 … count), in device memory, of up to `longest` blocks each.
void pool_blocks(const PlanCall& call, DataType dtype, const PoolSlot* slots, int64_t count, int64_t longest,
                 const Context& context);

// Scores and chooses the key blocks of the block_sparse jobs among jobs[0 … count), `strip` query blocks at a time (a
// multiple of a row block's): Job::block_scores holds strip x key_blocks floats. `query_blocks` and `key_blocks`: the
// most of any job.
void select_blocks(const PlanCall& call, const Job* jobs, int64_t count, int64_t query_blocks, int64_t key_blocks,
                   int64_t strip, const Context& context);

}  // namespace minference::cuda
