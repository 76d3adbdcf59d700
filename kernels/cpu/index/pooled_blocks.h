#pragma once

#include "../operands/aligned_buffer.h"
#include "../operands/head_view.h"
#include "../simd/kernel_table.h"
#include "head_plan.h"

namespace minference::cpu {

// Scores of mean-pooled blocks of queries (of this call) against mean-pooled blocks of keys (of the whole context).
class PooledBlocks {
 public:
  PooledBlocks(const KernelTable& kernels, const HeadView& view);

  // Fills plan.block_offsets and plan.key_blocks with each query block's `count` best key blocks among those it sees.
  // The blocks that hold its own positions are always among them, even if `count` is smaller.
  void select(int64_t count, HeadPlan& plan) const;

 private:
  const KernelTable& kernels_;
  CallSpan span_;
  int64_t d_, query_blocks_, key_panels_;
  AlignedBuffer<float> queries_, keys_;  // packed for KernelTable::scores
};

}  // namespace minference::cpu
