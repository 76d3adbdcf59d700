#include "common/launch.cuh"
#include "fit.h"

namespace minference::cuda {
namespace {

constexpr int kThreads = 128;

__device__ inline int64_t middle(const FitState& state) { return state.low + (state.high - state.low) / 2; }

__global__ void try_kernel(Job* jobs, const FitState* states, int64_t count) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= count) return;
  const FitState& state = states[i];
  HeadPattern pattern = state.grid.at(middle(state));
  const bool done = state.high - state.low <= 1;
  if (done || covers_context(pattern, int64_t{jobs[i].past} + jobs[i].rows)) {
    pattern.kind = static_cast<int32_t>(PatternKind::kDense);
  }
  pattern.flags |= kNoFallback;
  jobs[i].pattern = pattern;
}

__global__ void judge_kernel(const Job* jobs, const DevicePlan* plans, FitState* states, int64_t count,
                             double tile_flops, double budget_flops) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= count || states[i].high - states[i].low <= 1) return;
  FitState& state = states[i];
  const bool dense = jobs[i].pattern.kind == static_cast<int32_t>(PatternKind::kDense);
  const double tiles = static_cast<double>(dense ? jobs[i].dense_tiles : plans[i].tiles);
  const double flops = (dense ? 0 : state.index_flops) + tile_flops * tiles;
  (flops <= budget_flops ? state.low : state.high) = middle(state);
}

dim3 grid_for(int64_t count) { return dim3(static_cast<unsigned>((count + kThreads - 1) / kThreads)); }

}  // namespace

void try_sizes(Job* jobs, const FitState* states, int64_t count, const Context& context) {
  launch(try_kernel, grid_for(count), dim3(kThreads), 0, context.stream, jobs, states, count);
}

void judge_sizes(const Job* jobs, const DevicePlan* plans, FitState* states, int64_t count, double tile_flops,
                 double budget_flops, const Context& context) {
  launch(judge_kernel, grid_for(count), dim3(kThreads), 0, context.stream, jobs, plans, states, count, tile_flops,
         budget_flops);
}

}  // namespace minference::cuda
