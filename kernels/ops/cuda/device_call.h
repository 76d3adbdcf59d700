// An attention call on the CUDA execution provider: device memory, the session's stream, and 16-bit operands.
#pragma once

#include <optional>

#include "../../cuda/times/call_times.h"
#include "../attention_call.h"
#include "minference/cuda.h"

namespace minference::ops {

// Checks what the attributes ask for that only the CPU has.
void check_cuda_attributes(const AttentionAttributes& attributes);

// The device that the provider has put the call's query on; it becomes the calling thread's current one.
int select_device(const Ort::KernelContext& context);

class DeviceCall {
 public:
  DeviceCall(Ort::KernelContext& context, const AttentionAttributes& attributes, DataType dtype);

  const AttentionShape& shape() const { return call_.shape; }
  // Lends the stream and the call's scratch memory.
  const cuda::Context& context() const { return context_; }
  float* allocate_floats(int64_t count);

  // The call's device time from here on, and the tiles it computes, count there.
  void start_clock(std::shared_ptr<Counters> counters);

  // Rotary embedding and cache write, then what attention reads: the call's own buffers, or float16 copies of them for
  // a float32 model. `out` and `k`, `v` of the result are 16-bit device memory.
  AttentionParams prepare();
  // Gives a float32 model its output back from what attention has written.
  void finish();

 private:
  bool narrows() const { return dtype_ == DataType::kFloat32; }
  AttentionParams narrow(AttentionParams params);

  DataType dtype_;
  AttentionCall call_;
  cuda::Context context_;
  const void* narrow_out_ = nullptr;
  std::optional<cuda::CallTimes> times_;
};

}  // namespace minference::ops
