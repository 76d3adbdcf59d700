#include "attention_probe_op.h"

#include <cmath>

#include "attention_call.h"
#include "implementation.h"
#include "parallel_for.h"
#include "pattern_rows.h"

namespace minference::ops {

float read_budget(const Ort::KernelContext& context) {
  const auto budget = required_input(context, kBudget, "budget");
  expect(element_count(budget) == 1, "expected budget of shape [1], found " + to_text(shape_of(budget)));
  const float flops = *budget.GetTensorData<float>();
  expect(flops >= 0.f && std::isfinite(flops), "expected a finite budget >= 0, found " + std::to_string(flops));
  return flops;
}

OrtStatusPtr AttentionProbeKernel::ComputeV2(OrtKernelContext* raw) {
  return as_status(AttentionProbeSpec::name, [&] {
    Ort::KernelContext context(raw);
    const float budget = read_budget(context);
    AttentionCall call(context, attributes_, dtype_, OutputSet::kAttention, Scratch::on_host(context));
    const std::vector<float> sink = read_host_sink(call);
    expect(call.shape.batch == 1, "expected a batch of 1, found " + std::to_string(call.shape.batch));
    const Candidates candidates = read_candidates(context, call.shape.num_heads);
    ProbeParams probe{};
    probe.candidates = candidates.rows.data();
    probe.num_candidates = candidates.count;
    probe.per_head = candidates.per_head;
    probe.budget_flops = budget;
    const Shape scores{call.shape.num_heads, probe.num_candidates, kScoreFields};
    probe.scores = context.GetOutput(kFourth, scores).GetTensorMutableData<float>();
    // The probe compares against dense row by row, so it needs every row's LSE.
    const size_t rows = static_cast<size_t>(call.shape.num_heads * call.shape.seqlen_q);
    call.attention.lse = static_cast<float*>(call.scratch.allocate(rows * sizeof(float)));
    probe.attention = call.attention;
    const ParallelFor parallel = parallel_for(raw);
    rope_and_cache(attributes_, call.rope, parallel);
    if (attributes_.reference) {
      cpu::probe_reference(probe, reference_geometry(attributes_, call.shape.head_dim));
    } else {
      cpu::probe_optimized(probe, parallel);
    }
    if (counters_) ++counters_->calls;
  });
}

}  // namespace minference::ops
