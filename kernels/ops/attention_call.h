// One call of an attention op: its inputs 0 - 11 checked and turned into launch parameters.
#pragma once

#include <vector>

#include "attention_attributes.h"
#include "checked_input.h"
#include "scratch.h"
#include "sequence_lengths.h"

namespace minference::ops {

// Which outputs the op has; the others of output, present_key and present_value go to scratch memory.
enum class OutputSet {
  kAttention,  // output, and the presents where the node names them
  kNone,       // for SparseIndex
};

// Holds the buffers that its params point into; not movable, because they do.
struct AttentionCall {
  // `memory`: where query, key, value and the outputs live.
  AttentionCall(Ort::KernelContext& context, const AttentionAttributes& attributes, DataType dtype, OutputSet outputs,
                Scratch memory);
  AttentionCall(const AttentionCall&) = delete;
  AttentionCall& operator=(const AttentionCall&) = delete;

  AttentionShape shape;
  RopeCacheParams rope;
  AttentionParams attention;  // without `patterns` and `head_sink`
  const void* sink;           // [num_heads], `dtype`, where query lives; null without
  Scratch scratch;

 private:
  void read_projections(const Ort::KernelContext& context, const AttentionAttributes& attributes);
  void read_past(const Ort::KernelContext& context);
  void read_sink(const Ort::KernelContext& context);
  void set_query(const AttentionAttributes& attributes);
  void allocate_outputs(Ort::KernelContext& context, OutputSet outputs);

  SequenceLengths lengths_;
};

}  // namespace minference::ops
