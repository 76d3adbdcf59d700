// Positions of the attention ops' inputs and outputs; inputs 0 - 11 are those of com.microsoft.GroupQueryAttention.
#pragma once

#include <cstddef>

namespace minference::ops {

enum InputIndex : size_t {
  kQuery = 0,
  kKey,
  kValue,
  kPastKey,
  kPastValue,
  kSeqlensK,
  kTotalSequenceLength,
  kCosCache,
  kSinCache,
  kPositionIds,
  kAttentionBias,
  kHeadSink,
  kPatterns,  // head_patterns or candidates
  kBudget,    // AttentionProbe only
  // SparseAttention and SparseIndex: explicit indices
  kIndexRangeOffsets = kPatterns + 1,
  kIndexRanges,
  kIndexColumnOffsets,
  kIndexColumns,
};

enum OutputIndex : size_t {
  kOutput = 0,
  kPresentKey,
  kPresentValue,
  kFourth,        // lse or scores
  kIndexOutputs,  // SparseAttention: the first of four
};

}  // namespace minference::ops
