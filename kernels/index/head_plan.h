// What one head computes, in a form that the kernel turns into key ranges block by block: O(columns + slashes) memory,
// or O(blocks kept) for block_sparse, never rows x worst case.
#pragma once

#include <vector>

#include "minference/pattern.h"
#include "minference/sparse_index.h"

namespace minference::index {

constexpr int32_t kBlockM = kPatternBlock;  // query rows per row block
constexpr int32_t kKeyAlign = 16;           // keys per panel of the kernel: ranges are rounded to it, tiles are as wide

// The rows of one call, at absolute positions past … past + rows - 1.
struct CallSpan {
  int64_t past;
  int64_t rows;
  int64_t window;  // local window; < 0 = none

  int64_t total() const { return past + rows; }
  int64_t row_blocks() const { return (rows + kBlockM - 1) / kBlockM; }
  int64_t first(int64_t block) const { return past + block * kBlockM; }  // position of the block's first row
  int64_t last(int64_t block) const { return past + (rows < (block + 1) * kBlockM ? rows : (block + 1) * kBlockM) - 1; }
  // First key that a row at `position` sees.
  int64_t low(int64_t position) const { return window < 0 || window > position ? 0 : position - window + 1; }
};

struct HeadPlan {
  HeadPattern pattern{};
  bool dense = false;
  std::vector<int32_t> slashes;  // ascending distances; vertical_slash
  std::vector<int32_t> columns;  // ascending; vertical_slash
  // block_sparse: kept key blocks of each query block, ascending, in compressed rows.
  std::vector<int64_t> block_offsets;
  std::vector<int32_t> key_blocks;
  double index_flops = 0;
};

// Whether a pattern covers every key of the span.
bool covers_context(const HeadPattern& pattern, const CallSpan& span);

// Key ranges of one row block: merged, rounded outward to kKeyAlign, clipped to the block's last row, disjoint and not
// adjacent. Overwrites `ranges`.
class RangeBuilder {
 public:
  RangeBuilder(const HeadPlan& plan, const CallSpan& span);
  void ranges(int64_t block, std::vector<KeyRange>& ranges) const;

 private:
  struct Run {  // slashes near … far whose ranges touch, for full blocks
    int32_t near, far;
  };
  static std::vector<Run> merge_slashes(const std::vector<int32_t>& slashes, int64_t rows);
  const HeadPlan& plan_;
  CallSpan span_;
  std::vector<Run> full_, last_;  // of blocks of kBlockM rows; of the last block when it is shorter
};

struct PlanCost {
  std::vector<int32_t> block_tiles;  // [row_blocks], kBlockM x kKeyAlign each
  int64_t tiles = 0;
  double flops = 0;  // tiles + building the index
};
PlanCost count_cost(const HeadPlan& plan, const CallSpan& span, int64_t head_dim);

SparseIndex to_sparse_index(const HeadPlan& plan, const CallSpan& span, int64_t head_dim);

}  // namespace minference::index
