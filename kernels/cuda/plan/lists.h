// From the estimates to a head's sorted columns and diagonals, merged diagonals, and DevicePlan.
#pragma once

#include "jobs.h"
#include "minference/cuda.h"

namespace minference::cuda {

// Chooses the columns and slashes of the vertical_slash jobs among jobs[0 … count), by their scores.
void select_lists(const Job* jobs, int64_t count, const Context& context);

// Fills plans[0 … count), all but `tiles` (0) and what only the tiles decide.
void make_plans(const PlanCall& call, const Job* jobs, int64_t count, DevicePlan* plans, const Context& context);

}  // namespace minference::cuda
