#pragma once

#include "attention_attributes.h"
#include "custom_op.h"
#include "infer_shapes.h"
#include "session_costs.h"
#include "session_counters.h"

namespace minference::ops {

class SparseAttentionKernel {
 public:
  static constexpr const char* execution_provider = kCpuProvider;

  SparseAttentionKernel(const Ort::ConstKernelInfo& info, DataType dtype)
      : attributes_(info),
        costs_(session_costs(info, kCpuCostsKey, kCpuCosts)),
        counters_(session_counters(info)),
        dtype_(dtype) {}
  OrtStatusPtr ComputeV2(OrtKernelContext* context);

 private:
  AttentionAttributes attributes_;
  CostModel costs_;
  std::shared_ptr<Counters> counters_;
  DataType dtype_;
};

struct SparseAttentionSpec {
  static constexpr const char* name = "SparseAttention";
  static constexpr SlotInfo inputs[] = {MINFERENCE_ATTENTION_INPUTS, MINFERENCE_PATTERN_INPUTS};
  // output, present_key, present_value, lse; range_offsets, ranges, column_offsets and columns of the call's indices
  static constexpr SlotInfo outputs[] = {{Slot::kData},          {Slot::kData, true},  {Slot::kData, true},
                                         {Slot::kFloat32, true}, {Slot::kInt64, true}, {Slot::kInt32, true},
                                         {Slot::kInt64, true},   {Slot::kInt32, true}};
  static void infer_shapes(OrtShapeInferContext* context) { infer_attention_output(context); }
};

using SparseAttentionOp = CustomOp<SparseAttentionSpec, SparseAttentionKernel>;

}  // namespace minference::ops
