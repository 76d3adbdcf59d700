#pragma once

#include "../index/head_plan.h"
#include "../operands/head_view.h"
#include "../operands/packed_kv.h"

namespace minference::cpu {

// The plan of one head as attention computes it: the head's pattern, or dense where that is as fast.
HeadPlan plan_head(const KernelTable& kernels, const HeadView& view, const HeadPattern& pattern, const PackedKv& kv);

// True where no estimate is needed to know that plan_head() would choose dense.
bool surely_dense(const HeadView& view, const HeadPattern& pattern);

// Tiles that a dense head of this span computes.
int64_t dense_tiles(const CallSpan& span);

}  // namespace minference::cpu
