// A call's queries and keys on the host, for indices that are built there.
#pragma once

#include <cstdint>
#include <vector>

#include "minference/cuda.h"

namespace minference::ops {

class HostOperands {
 public:
  // Copies them from device memory and waits for the stream. `params`: one batch entry, float16 or bfloat16.
  HostOperands(const AttentionParams& params, cudaStream_t stream);

  // The call with these in host memory, float16 or float32; values are the keys, outputs are null.
  AttentionParams call() const;

 private:
  AttentionParams call_;
  std::vector<uint16_t> q_, k_;
  std::vector<float> wide_q_, wide_k_;  // of bfloat16
};

}  // namespace minference::ops
