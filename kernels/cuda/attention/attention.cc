#include <algorithm>

#include "../common/check_params.h"
#include "../common/device.h"
#include "../decode/decode.h"
#include "../plan/planner.h"
#include "../sm80/attend_sm80.h"
#include "../sm90/attend_sm90.h"
#include "../times/call_times.h"
#include "attend.h"
#include "minference/cuda.h"

namespace minference::cuda {
namespace {

// Whether every head is dense before anything is known of the data.
bool all_dense(const AttentionParams& p, const KernelGeometry& geometry) {
  for (int64_t b = 0; b < p.shape.batch; ++b) {
    const CallSpan span{p.past_lens[b], p.new_lens[b], p.local_window};
    for (int64_t h = 0; h < p.shape.num_heads; ++h) {
      if (!surely_dense(costs_of(p), p.patterns[h], span, geometry, p.shape.head_dim)) return false;
    }
  }
  return true;
}

bool has_explicit(const AttentionParams& p) {
  return std::any_of(p.patterns, p.patterns + p.shape.num_heads,
                     [](const HeadPattern& pattern) { return PatternKind{pattern.kind} == PatternKind::kExplicit; });
}

}  // namespace

// Keys are counted in the granules in which all kernels take them.
KernelGeometry attention_geometry(int64_t head_dim, bool has_explicit) {
  if (!has_explicit && runs_sm90(head_dim)) return kGeometrySm90;
  return {.block_m = sm80_block_m(head_dim), .block_n = kGranule, .key_align = 1};
}

void attend(const AttentionParams& params, const Plans& plans, const KernelGeometry& geometry, const Context& context) {
  if (plans.schedule.num_items == 0) return;
  const WorkQueues queues = make_queues(plans.schedule, params.shape.batch * params.shape.num_heads, context);
  if (geometry.columns_in_place) {
    attend_sm90(params, plans, queues, context);
  } else {
    attend_sm80(params, plans, queues, geometry, context);
  }
}

void attention(const AttentionParams& params, const Context& context) {
  check_attention(params);
  const KernelGeometry geometry = attention_geometry(params.shape.head_dim, has_explicit(params));
  if (is_decode(params) && all_dense(params, geometry)) return decode(params, context);
  Planner planner(params, geometry, context);
  if (context.times != nullptr) context.times->index_begins();
  const Plans plans = planner.plan(params.patterns);
  if (context.times != nullptr) {
    context.times->index_ends();
    context.times->keep_plans(plans.plans, planner.heads(), planner.all_dense_tiles());
  }
  attend(params, plans, geometry, context);
}

}  // namespace minference::cuda
