#pragma once

#include "custom_op.h"

namespace minference::ops {

// Reads the op library's clock: the library exports nothing but its registration, so an op is the way in. The input's
// value is ignored; an op without inputs would be folded into a constant.
class OpTimesKernel {
 public:
  static constexpr const char* execution_provider = kCpuProvider;

  OpTimesKernel(const Ort::ConstKernelInfo&, DataType) {}
  OrtStatusPtr ComputeV2(OrtKernelContext* context);
};

struct OpTimesSpec {
  static constexpr const char* name = "OpTimes";
  static constexpr SlotInfo inputs[] = {{Slot::kInt64}};
  // [3]: nanoseconds of building indices, nanoseconds of the attention ops altogether, their finished calls
  static constexpr SlotInfo outputs[] = {{Slot::kInt64}};
};

using OpTimesOp = CustomOp<OpTimesSpec, OpTimesKernel>;

}  // namespace minference::ops
