#pragma once

#include <vector>

#include "../operands/head_view.h"
#include "../operands/packed_kv.h"

namespace minference::cpu {

// Where the last kLastQ rows of the call attend: sums of their attention probabilities.
struct LastQEstimate {
  std::vector<float> columns;  // [total] per key
  std::vector<float> slashes;  // [total] per distance row - key
};

// Streams one row group at a time: row_group x total scores of scratch, whatever the number of heads.
LastQEstimate estimate_last_q(const KernelTable& kernels, const HeadView& view, const PackedKv& kv);

}  // namespace minference::cpu
