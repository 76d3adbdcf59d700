#include "sparse_attention_op.h"

#include "attention_call.h"
#include "explicit_indices.h"
#include "implementation.h"
#include "parallel_for.h"
#include "pattern_rows.h"

namespace minference::ops {

OrtStatusPtr SparseAttentionKernel::ComputeV2(OrtKernelContext* raw) {
  return as_status(SparseAttentionSpec::name, [&] {
    const ScopedTime time(counters_ ? &counters_->total_ns : nullptr);
    Ort::KernelContext context(raw);
    const std::vector<HeadPattern> patterns = read_head_patterns(context, attributes_.num_heads);
    AttentionCall call(context, attributes_, dtype_, OutputSet::kAttention, Scratch::on_host(context));
    const std::vector<float> sink = read_host_sink(call);
    const std::vector<HeadIndex> indices = read_explicit_indices(context, call.attention);
    call.attention.patterns = patterns.data();
    call.attention.indices = indices.data();
    call.attention.num_indices = static_cast<int64_t>(indices.size());
    call.attention.costs = &costs_;
    call.attention.counters = counters_.get();
    if (context.GetOutputCount() > kFourth) {
      const Shape lse{call.shape.batch, call.shape.num_heads, call.shape.seqlen_q};
      if (auto output = context.GetOutput(kFourth, lse)) call.attention.lse = output.GetTensorMutableData<float>();
    }
    const ParallelFor parallel = parallel_for(raw);
    rope_and_cache(attributes_, call.rope, parallel);
    if (attributes_.reference) {
      cpu::attention_reference(call.attention, reference_geometry(attributes_, call.shape.head_dim));
    } else {
      cpu::attention_optimized(call.attention, parallel);
    }
    if (counters_) ++counters_->calls;
  });
}

}  // namespace minference::ops
