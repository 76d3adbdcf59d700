// The inputs that the attention ops share, checked and turned into launch parameters.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "attention_attributes.h"

namespace minference::ops {

// Input positions; 0 - 11 are those of com.microsoft.GroupQueryAttention.
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
};

enum OutputIndex : size_t { kOutput = 0, kPresentKey, kPresentValue, kFourth /* lse or scores */ };

// Memory for output 0, 1 or 2 of the given shape: the op's output, or scratch where an op has no such output.
using AllocateOutput = std::function<void*(OutputIndex index, const std::vector<int64_t>& shape)>;
AllocateOutput op_outputs(Ort::KernelContext& context);

// Everything one call needs. Holds the buffers that its params point into.
struct AttentionCall {
  // Reads and checks inputs 0 - 12 and allocates outputs 0 - 2.
  AttentionCall(Ort::KernelContext& context, const AttentionAttributes& attributes, DataType dtype,
                const AllocateOutput& allocate);

  AttentionShape shape;
  RopeCacheParams rope;
  AttentionParams attention;
  std::vector<HeadPattern> patterns;  // rows of input 12

 private:
  void read_lengths(Ort::KernelContext& context);
  void read_caches(Ort::KernelContext& context, const AttentionAttributes& attributes, const AllocateOutput& allocate);
  void read_sink(Ort::KernelContext& context);
  void read_patterns(Ort::KernelContext& context);

  std::vector<int32_t> past_lens_, new_lens_;
  std::vector<std::byte> q_rotated_;
  std::vector<float> sink_;
  int64_t total_ = 0;
};

// ONNX Runtime's thread pool.
ParallelFor parallel_for(OrtKernelContext* context);

}  // namespace minference::ops
