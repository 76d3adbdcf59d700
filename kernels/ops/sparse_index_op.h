#pragma once

#include "attention_attributes.h"
#include "custom_op.h"

namespace minference::ops {

// The index a head would use, for tests, plots and cost reports.
class SparseIndexKernel {
 public:
  static constexpr const char* execution_provider = kCpuProvider;

  SparseIndexKernel(const Ort::ConstKernelInfo& info, DataType dtype) : attributes_(info), dtype_(dtype) {}
  OrtStatusPtr ComputeV2(OrtKernelContext* context);

 private:
  AttentionAttributes attributes_;
  DataType dtype_;
};

struct SparseIndexSpec {
  static constexpr const char* name = "SparseIndex";
  static constexpr SlotInfo inputs[] = {MINFERENCE_ATTENTION_INPUTS, MINFERENCE_PATTERN_INPUTS};
  // range_offsets, ranges, column_offsets, columns, tiles, flops
  static constexpr SlotInfo outputs[] = {{Slot::kInt64}, {Slot::kInt32}, {Slot::kInt64},
                                         {Slot::kInt32}, {Slot::kInt64}, {Slot::kFloat64}};
};

using SparseIndexOp = CustomOp<SparseIndexSpec, SparseIndexKernel>;

}  // namespace minference::ops
