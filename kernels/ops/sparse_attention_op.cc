#include "sparse_attention_op.h"

#include "../rivals/rivals.h"
#include "attention_call.h"
#include "explicit_indices.h"
#include "implementation.h"
#include "index_outputs.h"
#include "parallel_for.h"
#include "pattern_rows.h"

namespace minference::ops {

OrtStatusPtr SparseAttentionKernel::ComputeV2(OrtKernelContext* raw) {
  return as_status(SparseAttentionSpec::name, [&] {
    const ScopedTime time(counters_ ? &counters_->total_ns : nullptr);
    Ort::KernelContext context(raw);
    std::vector<HeadPattern> patterns = read_head_patterns(context, attributes_.num_heads);
    AttentionCall call(context, attributes_, dtype_, OutputSet::kAttention, Scratch::on_host(context));
    const std::vector<float> sink = read_host_sink(call);
    std::vector<HeadIndex> indices = read_explicit_indices(context, call.attention);
    call.attention.costs = &costs_;
    call.attention.counters = counters_.get();
    if (context.GetOutputCount() > kFourth) {
      const Shape lse{call.shape.batch, call.shape.num_heads, call.shape.seqlen_q};
      if (auto output = context.GetOutput(kFourth, lse)) call.attention.lse = output.GetTensorMutableData<float>();
    }
    const ParallelFor parallel = parallel_for(raw);
    rope_and_cache(attributes_, call.rope, parallel);
    {
      const ScopedTime index_time(counters_ ? &counters_->index_ns : nullptr);
      rivals::resolve(call.attention, patterns, indices, parallel);
      set_patterns(call.attention, patterns, indices);
      give_indices(context, call.attention, parallel, copy_on_host);
    }
    if (attributes_.reference) {
      cpu::attention_reference(call.attention, reference_geometry(attributes_, call.shape.head_dim));
    } else {
      cpu::attention_optimized(call.attention, parallel);
    }
    if (counters_) ++counters_->calls;
  });
}

}  // namespace minference::ops
