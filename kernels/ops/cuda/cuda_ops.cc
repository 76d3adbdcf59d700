#include "cuda_ops.h"

#include <algorithm>

#include "../../cuda/common/check.h"
#include "../../rivals/rivals.h"
#include "../explicit_indices.h"
#include "../index_outputs.h"
#include "../parallel_for.h"
#include "../pattern_rows.h"
#include "device_call.h"
#include "host_operands.h"

namespace minference::ops {

CudaSparseAttentionKernel::CudaSparseAttentionKernel(const Ort::ConstKernelInfo& info, DataType dtype)
    : attributes_(info),
      costs_(session_costs(info, kCudaCostsKey, kCudaCosts)),
      counters_(session_counters(info)),
      dtype_(dtype) {
  check_cuda_attributes(attributes_);
}

namespace {

// In the call's stream: outputs may lie where kernels before it still read and write. The host's memory is read when
// this returns.
Copy copy_in(cudaStream_t stream) {
  return [stream](void* to, const void* from, size_t bytes) {
    cuda::check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream), "writing indices");
  };
}

// Indices that are built on the host, and those that are handed out: the only calls that wait for the device.
void choose_on_host(Ort::KernelContext& context, const AttentionParams& params, std::vector<HeadPattern>& patterns,
                    std::vector<HeadIndex>& indices, cudaStream_t stream, const ParallelFor& parallel) {
  const bool has_rivals =
      std::any_of(patterns.begin(), patterns.end(), [](const HeadPattern& p) { return rivals::is_rival(p.kind); });
  if (!has_rivals && !gives_index(patterns)) {
    if (context.GetOutputCount() > kIndexOutputs) write_indices(context, kIndexOutputs, {}, copy_in(stream));
    return;
  }
  expect(params.shape.batch == 1,
         "expected a batch of 1 with indices from the host, found " + std::to_string(params.shape.batch));
  const HostOperands operands(params, stream);
  AttentionParams host = operands.call();
  rivals::resolve(host, patterns, indices, parallel);
  set_patterns(host, patterns, indices);
  give_indices(context, host, parallel, copy_in(stream));
}

}  // namespace

OrtStatusPtr CudaSparseAttentionKernel::ComputeV2(OrtKernelContext* raw) {
  return as_status(SparseAttentionSpec::name, [&] {
    Ort::KernelContext context(raw);
    std::vector<HeadPattern> patterns = read_head_patterns(context, attributes_.num_heads);
    DeviceCall call(context, attributes_, dtype_);
    // Decode is not timed: its calls are many and short.
    if (counters_ && call.shape().seqlen_q > 1) call.start_clock(counters_);
    AttentionParams params = call.prepare();
    std::vector<HeadIndex> indices = read_explicit_indices(context, params);
    choose_on_host(context, params, patterns, indices, call.context().stream, parallel_for(raw));
    set_patterns(params, patterns, indices);
    params.costs = &costs_;
    if (context.GetOutputCount() > kFourth) {
      const Shape lse{call.shape().batch, call.shape().num_heads, call.shape().seqlen_q};
      if (auto output = context.GetOutput(kFourth, lse)) params.lse = output.GetTensorMutableData<float>();
    }
    cuda::attention(params, call.context());
    call.finish();
  });
}

CudaAttentionProbeKernel::CudaAttentionProbeKernel(const Ort::ConstKernelInfo& info, DataType dtype)
    : attributes_(info), counters_(session_counters(info)), dtype_(dtype) {
  check_cuda_attributes(attributes_);
}

OrtStatusPtr CudaAttentionProbeKernel::ComputeV2(OrtKernelContext* raw) {
  return as_status(AttentionProbeSpec::name, [&] {
    Ort::KernelContext context(raw);
    const float budget = read_budget(context);
    DeviceCall call(context, attributes_, dtype_);
    expect(call.shape().batch == 1, "expected a batch of 1, found " + std::to_string(call.shape().batch));
    const Candidates candidates = read_candidates(context, call.shape().num_heads);
    ProbeParams probe{};
    probe.candidates = candidates.rows.data();
    probe.num_candidates = candidates.count;
    probe.per_head = candidates.per_head;
    probe.budget_flops = budget;
    const Shape scores{call.shape().num_heads, probe.num_candidates, kScoreFields};
    probe.scores = context.GetOutput(kFourth, scores).GetTensorMutableData<float>();
    if (counters_) call.start_clock(counters_);
    probe.attention = call.prepare();
    probe.attention.lse = call.allocate_floats(call.shape().num_heads * call.shape().seqlen_q);
    cuda::probe(probe, call.context());
    call.finish();
  });
}

void add_cuda_ops(Ort::CustomOpDomain& domain) {
  using SparseAttention = CustomOp<SparseAttentionSpec, CudaSparseAttentionKernel>;
  using AttentionProbe = CustomOp<AttentionProbeSpec, CudaAttentionProbeKernel>;
  static SparseAttention sparse_attention[] = {
      SparseAttention(DataType::kFloat16), SparseAttention(DataType::kBFloat16), SparseAttention(DataType::kFloat32)};
  static AttentionProbe attention_probe[] = {AttentionProbe(DataType::kFloat16), AttentionProbe(DataType::kBFloat16),
                                             AttentionProbe(DataType::kFloat32)};
  for (auto& op : sparse_attention) domain.Add(&op);
  for (auto& op : attention_probe) domain.Add(&op);
}

}  // namespace minference::ops
