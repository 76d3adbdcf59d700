// Who pools the blocks of which head, when and where: what block_sparse jobs choose from.
#pragma once

#include <vector>

#include "call_shape.h"
#include "waves.h"

namespace minference::cuda {

class PooledEstimates {
 public:
  using Wave = cuda::Wave<PoolSlot>;

  // With `keep`, for all heads at once and for all plans to come.
  PooledEstimates(const CallShape& shape, const Context& context, bool keep)
      : shape_(shape), context_(context), keep_(keep) {}

  // With `keep`: makes them now, unless they are there.
  void prepare();
  // Points the jobs to their means; the waves make them. Empty where no job needs any.
  std::vector<Wave> point(std::vector<Job>& jobs);
  void run(const std::vector<PoolSlot>& slots) const;

  // Gives the jobs room for their scores, those of a wave their own, and returns how many query blocks of a head have
  // room at a time. After point().
  int64_t allocate_scores(std::vector<Job>& jobs) const;

 private:
  void allocate(int64_t heads);
  PoolSlot query_slot(int64_t place, int64_t head) const;
  PoolSlot key_slot(int64_t place, int64_t kv_head) const;

  const CallShape& shape_;
  const Context& context_;
  bool keep_;
  int64_t count_ = 0;  // heads, and as many cache heads, there is room for
  float* query_means_ = nullptr;
  float* key_means_ = nullptr;
};

}  // namespace minference::cuda
