// One call as planning sees it: spans, lengths and what of them every step needs.
#pragma once

#include "cost_model.h"
#include "jobs.h"
#include "minference/cuda.h"

namespace minference::cuda {

inline int64_t pattern_blocks(int64_t rows) { return (rows + kPatternBlock - 1) / kPatternBlock; }
inline bool is(const Job& job, PatternKind kind) { return job.pattern.kind == static_cast<int32_t>(kind); }

class CallShape {
 public:
  // `params` must outlive it.
  CallShape(const AttentionParams& params, const KernelGeometry& geometry);

  const AttentionParams& params() const { return params_; }
  const KernelGeometry& geometry() const { return geometry_; }
  // For the kernels.
  const PlanCall& call() const { return call_; }

  int64_t heads() const { return params_.shape.batch * params_.shape.num_heads; }
  int64_t head_dim() const { return params_.shape.head_dim; }
  int64_t longest() const { return longest_; }      // context of any batch entry, a multiple of 32
  int64_t most_rows() const { return most_rows_; }  // of any batch entry
  double tile_flops() const;

  // `head` is batch * num_heads + head; the cache's is batch * num_kv_heads + kv head.
  CallSpan span(int64_t head) const;
  int64_t kv_head(int64_t head) const { return head / group(); }
  int64_t first_head_of(int64_t kv_head) const { return kv_head * group(); }

  // The head with its pattern, or dense where that is as fast. Throws std::invalid_argument for block_sparse over
  // contexts whose blocks cannot be numbered.
  Job make_job(const HeadPattern& pattern, int64_t head) const;
  int64_t row_blocks(const Job& job) const;

 private:
  int64_t group() const { return params_.shape.num_heads / params_.shape.num_kv_heads; }

  const AttentionParams& params_;
  KernelGeometry geometry_;
  PlanCall call_{};
  int64_t longest_ = 0, most_rows_ = 0;
};

}  // namespace minference::cuda
