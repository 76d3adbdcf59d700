// What one head computes, in a form that the kernel turns into key ranges block by block: O(columns + slashes) memory,
// or O(blocks kept) for block_sparse, never rows x worst case.
#pragma once

#include <vector>

#include "../../shared/call_span.h"
#include "minference/pattern.h"
#include "minference/sparse_index.h"

namespace minference::cpu {

constexpr int32_t kBlockM = kPatternBlock;  // query rows per row block
constexpr int32_t kKeyAlign = 16;           // keys per panel of the kernel: ranges are rounded to it, tiles are as wide

struct HeadPlan {
  HeadPattern pattern{};
  bool dense = false;
  const HeadIndex* given = nullptr;  // explicit
  std::vector<int32_t> slashes;      // ascending distances; vertical_slash
  std::vector<int32_t> columns;      // ascending, of all row blocks; vertical_slash and explicit
  // block_sparse: kept key blocks of each query block, ascending, in compressed rows.
  std::vector<int64_t> block_offsets;
  std::vector<int32_t> key_blocks;
  double index_flops = 0;

  // Whether each row block has columns of its own, those of `given`.
  bool has_own_columns() const { return given != nullptr && !given->shares_columns(); }
};

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

// The columns that a row block with these ranges computes besides them, of a plan whose row blocks have columns of
// their own.
std::vector<int32_t> own_columns(const HeadPlan& plan, const CallSpan& span, int64_t block,
                                 const std::vector<KeyRange>& ranges);

struct PlanCost {
  std::vector<int32_t> block_tiles;  // [row_blocks], kBlockM x kKeyAlign each
  int64_t tiles = 0;
  double flops = 0;  // tiles + building the index
};
PlanCost count_cost(const HeadPlan& plan, const CallSpan& span, int64_t head_dim);

SparseIndex to_sparse_index(const HeadPlan& plan, const CallSpan& span, int64_t head_dim);

}  // namespace minference::cpu
