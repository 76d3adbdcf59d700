// Attention on Hopper (sm_90a): TMA, wgmma and specialised warps.
#pragma once

#include "../attention/work_queue.h"

namespace minference::cuda {

// Whether the current device and the head size are the kernel's.
bool runs_sm90(int64_t head_dim);

// Two blocks of 64 rows, one for each computing warpgroup, share what is loaded for either.
constexpr KernelGeometry kGeometrySm90{
    .block_m = 64, .block_n = kGranule, .key_align = kGranule, .blocks_per_item = 2, .columns_in_place = true};

// For plans of kGeometrySm90. Operands must be aligned to 16 bytes.
void attend_sm90(const AttentionParams& params, const Plans& plans, const WorkQueues& queues, const Context& context);

}  // namespace minference::cuda
