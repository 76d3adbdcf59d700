// Builds the plans of all heads of a call on the device.
#pragma once

#include <vector>

#include "cost_model.h"
#include "jobs.h"
#include "minference/cuda.h"

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

  // `patterns`: [num_heads], host. Heads for which dense attention is as fast become dense, unless kNoFallback is set.
  // The gathered columns take the place of those of the plans before.
  Plans plan(const HeadPattern* patterns);

  // With `keep`: makes the estimates now that patterns of a kind need, so that they can be timed apart.
  void prepare(PatternKind kind);

  // With `keep`, batch 1: every candidate fitted to the budget for every head, [num_heads, count]. Waits for the
  // device.
  std::vector<HeadPattern> fit(const HeadPattern* candidates, int64_t count, double budget_flops);

  // [batch * num_heads] of plan(patterns). Waits for the device.
  std::vector<PlanCost> costs(const Plans& plans, const HeadPattern* patterns) const;

 private:
  struct LastRows {  // sums of the estimates of `count` heads in one piece
    float* sums = nullptr;
    float2* partial = nullptr;
    int64_t count = 0;
  };
  struct Pooled {  // means of `count` heads and as many cache heads
    float* query_means = nullptr;
    float* key_means = nullptr;
    int64_t count = 0;
  };
  struct Wave {  // jobs begin … end - 1 and what their estimates need
    int64_t begin, end;
    std::vector<EstimateSlot> last_rows;
    std::vector<PoolSlot> pooled;
  };

  Span span(int64_t head) const;
  Job make_job(const HeadPattern& pattern, int64_t head) const;
  int64_t row_blocks(const Job& job) const;
  int64_t blocks_stride(const Job& job) const;
  int64_t kv_head(int64_t head) const;

  LastRows allocate_last_rows(int64_t heads) const;
  Pooled allocate_pooled(int64_t heads) const;
  EstimateSlot estimate_slot(const LastRows& memory, int64_t slot, int64_t head) const;
  PoolSlot query_slot(const Pooled& memory, int64_t slot, int64_t head) const;
  PoolSlot key_slot(const Pooled& memory, int64_t slot, int64_t kv_head) const;
  void run_estimates(const std::vector<EstimateSlot>& slots) const;
  void run_pooling(const std::vector<PoolSlot>& slots) const;

  // Pointers of jobs to their estimates, and who makes them when.
  std::vector<Wave> point_to_last_rows(std::vector<Job>& jobs);
  std::vector<Wave> point_to_pooled(std::vector<Job>& jobs);
  int64_t allocate_scores(std::vector<Job>& jobs, int64_t at_once) const;  // returns the strip
  void place_lists(std::vector<Job>& jobs) const;
  GatheredColumns place_columns(std::vector<Job>& jobs);
  void fit_chunk(std::vector<Job> jobs, const HeadPattern* candidates, const std::vector<int64_t>& which,
                 double budget_flops, std::vector<HeadPattern>& fitted);

  const AttentionParams& params_;
  KernelGeometry geometry_;
  const Context& context_;
  PlanCall call_{};
  bool keep_;
  int64_t longest_ = 0, most_rows_ = 0;  // of any batch entry
  LastRows last_rows_;                   // kept, or shared by the waves
  Pooled pooled_;
  GatheredColumns columns_{};  // as many rows as there is room for
};

}  // namespace minference::cuda
