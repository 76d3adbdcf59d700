// How many rows of each batch entry are in the cache and how many this call brings.
#pragma once

#include <cstdint>
#include <vector>

#include "ort.h"

namespace minference::ops {

struct SequenceLengths {
  std::vector<int32_t> past;  // [batch]
  std::vector<int32_t> now;   // [batch]; the rest of a batch entry's rows is padding on the right
  int64_t total;              // input total_sequence_length
};

// Reads seqlens_k and total_sequence_length as com.microsoft.GroupQueryAttention does: in the first prompt (total
// equals the rows of query) lengths may differ and the past is empty; afterwards every batch entry brings all of its
// new rows.
SequenceLengths read_sequence_lengths(const Ort::KernelContext& context, int64_t batch, int64_t seqlen_q);

}  // namespace minference::ops
