#include "attention_probe_op.h"

#include <stdexcept>

#include "implementation.h"

namespace minference::ops {

OrtStatusPtr AttentionProbeKernel::ComputeV2(OrtKernelContext* raw) {
  return as_status(AttentionProbeSpec::name, [&] {
    Ort::KernelContext context(raw);
    AttentionCall call(context, attributes_, dtype_, op_outputs(context));
    if (call.shape.batch != 1) {
      throw std::invalid_argument("expected a batch of 1, found " + std::to_string(call.shape.batch));
    }
    const auto budget = context.GetInput(kBudget);
    if (budget.GetTensorTypeAndShapeInfo().GetElementCount() != 1) {
      throw std::invalid_argument("expected budget with one element");
    }
    ProbeParams probe{};
    probe.candidates = call.patterns.data();
    probe.num_candidates = static_cast<int64_t>(call.patterns.size());
    probe.budget_flops = *budget.GetTensorData<float>();
    const std::vector<int64_t> scores{call.shape.num_heads, probe.num_candidates, kScoreFields};
    probe.scores = context.GetOutput(kFourth, scores).GetTensorMutableData<float>();
    // The probe compares against dense row by row, so it needs every row's LSE.
    std::vector<float> lse(static_cast<size_t>(call.shape.num_heads * call.shape.seqlen_q));
    call.attention.lse = lse.data();
    probe.attention = call.attention;
    const ParallelFor parallel = parallel_for(raw);
    rope_and_cache(attributes_, call.rope, parallel);
    if (attributes_.reference) {
      cpu::probe_reference(probe, reference_geometry(attributes_, call.shape.head_dim));
    } else {
      cpu::probe_optimized(probe, parallel);
    }
  });
}

}  // namespace minference::ops
