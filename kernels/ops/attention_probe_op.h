#pragma once

#include "attention_attributes.h"
#include "custom_op.h"
#include "infer_shapes.h"
#include "session_counters.h"

namespace minference::ops {

class AttentionProbeKernel {
 public:
  static constexpr const char* execution_provider = kCpuProvider;

  AttentionProbeKernel(const Ort::ConstKernelInfo& info, DataType dtype)
      : attributes_(info), counters_(session_counters(info)), dtype_(dtype) {}
  OrtStatusPtr ComputeV2(OrtKernelContext* context);

 private:
  AttentionAttributes attributes_;
  std::shared_ptr<Counters> counters_;
  DataType dtype_;
};

// Input 13: FLOPs per head that fitted candidates may cost.
float read_budget(const Ort::KernelContext& context);

struct AttentionProbeSpec {
  static constexpr const char* name = "AttentionProbe";
  static constexpr SlotInfo inputs[] = {
      MINFERENCE_ATTENTION_INPUTS, {Slot::kInt32, false, true}, {Slot::kFloat32, false, true}};
  static constexpr SlotInfo outputs[] = {{Slot::kData}, {Slot::kData, true}, {Slot::kData, true}, {Slot::kFloat32}};
  static void infer_shapes(OrtShapeInferContext* context) { infer_attention_output(context); }
};

using AttentionProbeOp = CustomOp<AttentionProbeSpec, AttentionProbeKernel>;

}  // namespace minference::ops
