#pragma once

#include "../cpu/optimized/aligned_buffer.h"
#include "../cpu/optimized/head_view.h"
#include "../cpu/optimized/simd/kernel_table.h"
#include "head_plan.h"

namespace minference::index {

// Scores of mean-pooled blocks of queries (of this call) against mean-pooled blocks of keys (of the whole context).
class PooledBlocks {
 public:
  PooledBlocks(const cpu::KernelTable& kernels, const cpu::HeadView& view);

  // Fills plan.block_offsets and plan.key_blocks with each query block's `count` best key blocks among those it sees.
  // The blocks that hold its own positions are always among them, even if `count` is smaller.
  void select(int64_t count, HeadPlan& plan) const;

  // d per pooled element, 2·d per score.
  double flops() const;

 private:
  // Key blocks first … last are visible to query block `block`; from `own` on they hold its own positions.
  struct Visible {
    int64_t first, own, last;
  };
  Visible visible(int64_t block) const;

  const cpu::KernelTable& kernels_;
  CallSpan span_;
  int64_t d_, query_blocks_, key_panels_;
  cpu::AlignedBuffer<float> queries_, keys_;  // packed for KernelTable::scores
};

}  // namespace minference::index
