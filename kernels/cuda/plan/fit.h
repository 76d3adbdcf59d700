// The bisection of a candidate's sizes, for many heads and candidates at once, without the host.
#pragma once

#include "../../shared/fit_grid.h"
#include "jobs.h"
#include "minference/cuda.h"

namespace minference::cuda {

struct FitState {
  FitGrid grid;
  int64_t low, high;  // low is affordable or the smallest; high is not affordable
  double index_flops;
};

// Sets every job to the sizes its state tries next; to dense when it is done.
void try_sizes(Job* jobs, const FitState* states, int64_t count, const Context& context);

// Halves what the states have left, by the tiles of the plans of these sizes.
void judge_sizes(const Job* jobs, const DevicePlan* plans, FitState* states, int64_t count, double tile_flops,
                 double budget_flops, const Context& context);

}  // namespace minference::cuda
