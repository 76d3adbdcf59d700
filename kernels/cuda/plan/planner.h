// Builds the plans of all heads of a call on the device.
#pragma once

#include <vector>

#include "call_shape.h"
#include "job_memory.h"
#include "last_rows_estimates.h"
#include "pooled_estimates.h"

namespace minference::cuda {

struct Plans {
  const DevicePlan* plans = nullptr;  // [batch * num_heads], device
  Schedule schedule{};
  GatheredColumns columns{};  // where the geometry has columns_in_place
};

// What one head computes; read back from the device.
struct PlanCost {
  bool dense;
  int64_t tiles;
  double flops;  // of the tiles and of building the index
};

class Planner {
 public:
  // With `keep`, the estimates of all heads stay for further plans of the same call (the probe); without, they are made
  // in waves of heads that share a bounded piece of memory. `params` and `context` must outlive the planner.
  Planner(const AttentionParams& params, const KernelGeometry& geometry, const Context& context, bool keep = false);
  Planner(const Planner&) = delete;  // its parts refer to each other
  Planner& operator=(const Planner&) = delete;

  // `patterns`: [num_heads], host. Heads for which dense attention is as fast become dense, unless kNoFallback is set.
  // The gathered columns take the place of those of the plans before.
  Plans plan(const HeadPattern* patterns);

  // Plans of a call, and tiles of dense attention in all of them.
  int64_t heads() const { return shape_.heads(); }
  int64_t all_dense_tiles() const;

  // With `keep`: makes the estimates now that patterns of a kind need, so that they can be timed apart.
  void prepare(PatternKind kind);

  // With `keep`, batch 1: every candidate fitted to the budget for every head, [num_heads, num_candidates]. Waits for
  // the device.
  std::vector<HeadPattern> fit(const ProbeParams& probe);

  // [batch * num_heads] of plan(patterns). Waits for the device.
  std::vector<PlanCost> costs(const Plans& plans, const HeadPattern* patterns) const;

 private:
  void fit_chunk(std::vector<Job> jobs, const ProbeParams& probe, const std::vector<int64_t>& which,
                 std::vector<HeadPattern>& fitted);

  CallShape shape_;
  const Context& context_;
  LastRowsEstimates last_rows_;
  PooledEstimates pooled_;
  ColumnMemory columns_;
};

}  // namespace minference::cuda
