#include "device_call.h"

#include <algorithm>

#include "../../cuda/common/check.h"
#include "../../cuda/common/convert.h"

namespace minference::ops {

void check_cuda_attributes(const AttentionAttributes& attributes) {
  expect(!attributes.reference, "expected attribute implementation \"optimized\": the CUDA provider has no reference");
}

int select_device(const Ort::KernelContext& context) {
  const int device = required_input(context, kQuery, "query").GetTensorMemoryInfo().GetDeviceId();
  cuda::check(cudaSetDevice(device), "selecting the CUDA device");
  return device;
}

DeviceCall::DeviceCall(Ort::KernelContext& context, const AttentionAttributes& attributes, DataType dtype)
    : dtype_(dtype),
      call_(context, attributes, dtype, OutputSet::kAttention, Scratch::on_device(context, select_device(context))),
      context_{.stream = static_cast<cudaStream_t>(context.GetGPUComputeStream()),
               .allocate = [this](size_t bytes) { return call_.scratch.allocate(bytes); }} {}

float* DeviceCall::allocate_floats(int64_t count) {
  return static_cast<float*>(call_.scratch.allocate(static_cast<size_t>(count) * sizeof(float)));
}

void DeviceCall::start_clock(std::shared_ptr<Counters> counters) {
  times_.emplace(context_.stream, std::move(counters));
  context_.times = &*times_;
}

AttentionParams DeviceCall::prepare() {
  cuda::rope_and_cache(call_.rope, context_);
  AttentionParams params = call_.attention;
  if (call_.sink != nullptr) {
    float* sink = allocate_floats(shape().num_heads);
    cuda::widen(call_.sink, dtype_, shape().num_heads, sink, context_.stream);
    params.head_sink = sink;
  }
  return narrows() ? narrow(params) : params;
}

// Only the rows in use of the caches are copied, into buffers that hold just these.
AttentionParams DeviceCall::narrow(AttentionParams params) {
  constexpr size_t kBytes = 2;
  const AttentionShape& s = shape();
  int64_t used = 0;
  for (int64_t b = 0; b < s.batch; ++b) {
    used = std::max(used, int64_t{params.past_lens[b]} + params.new_lens[b]);
  }
  const auto copy = [&](const void* from, const cuda::RowLayout& layout) {
    const int64_t elements = layout.n[0] * layout.n[1] * layout.n[2] * layout.width;
    void* to = call_.scratch.allocate(static_cast<size_t>(elements) * kBytes);
    cuda::narrow_rows(static_cast<const float*>(from), layout, to, context_.stream);
    return to;
  };
  params.q = copy(params.q, {.n = {s.batch, s.seqlen_q, s.num_heads},
                             .stride = {params.q_stride_batch, params.q_stride_seq, params.q_stride_head},
                             .width = s.head_dim});
  params.q_stride_head = s.head_dim;
  params.q_stride_seq = s.num_heads * s.head_dim;
  params.q_stride_batch = s.seqlen_q * params.q_stride_seq;
  const cuda::RowLayout cache{.n = {s.batch, s.num_kv_heads, used},
                              .stride = {s.num_kv_heads * s.capacity * s.head_dim, s.capacity * s.head_dim, s.head_dim},
                              .width = s.head_dim};
  params.k = copy(params.k, cache);
  params.v = copy(params.v, cache);
  params.shape.capacity = used;
  params.dtype = DataType::kFloat16;
  params.out = call_.scratch.allocate(static_cast<size_t>(params.q_stride_batch * s.batch) * kBytes);
  narrow_out_ = params.out;
  return params;
}

void DeviceCall::finish() {
  if (!narrows()) return;
  const int64_t elements = shape().batch * shape().seqlen_q * shape().num_heads * shape().head_dim;
  cuda::widen(narrow_out_, DataType::kFloat16, elements, static_cast<float*>(call_.attention.out), context_.stream);
}

}  // namespace minference::ops
