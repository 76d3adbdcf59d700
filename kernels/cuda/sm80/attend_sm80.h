// Prefill attention with mma.sync and cp.async: sm_80 and later.
#pragma once

#include "../attention/work_queue.h"

namespace minference::cuda {

// float16 and bfloat16, head sizes up to 256 that are multiples of 8 (64, 96, 128 and 256 without padding).
// geometry.block_m: sm80_block_m(head_dim).
void attend_sm80(const AttentionParams& params, const Plans& plans, const WorkQueues& queues,
                 const KernelGeometry& geometry, const Context& context);

constexpr int32_t sm80_block_m(int64_t head_dim) { return head_dim <= 128 ? 128 : 64; }

}  // namespace minference::cuda
