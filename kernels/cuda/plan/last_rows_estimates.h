// Who estimates the last rows of which head, when and where: what vertical_slash jobs choose from.
#pragma once

#include <vector>

#include "call_shape.h"
#include "waves.h"

namespace minference::cuda {

class LastRowsEstimates {
 public:
  using Wave = cuda::Wave<EstimateSlot>;

  // With `keep`, for all heads at once and for all plans to come.
  LastRowsEstimates(const CallShape& shape, const Context& context, bool keep)
      : shape_(shape), context_(context), keep_(keep) {}

  // With `keep`: makes them now, unless they are there.
  void prepare();
  // Points the jobs to their estimates; the waves make them. Empty where no job needs one.
  std::vector<Wave> point(std::vector<Job>& jobs);
  void run(const std::vector<EstimateSlot>& slots) const;

 private:
  void allocate(int64_t heads);
  EstimateSlot slot(int64_t place, int64_t head) const;

  const CallShape& shape_;
  const Context& context_;
  bool keep_;
  int64_t count_ = 0;  // heads there is room for
  float* sums_ = nullptr;
  float2* partial_ = nullptr;
};

}  // namespace minference::cuda
