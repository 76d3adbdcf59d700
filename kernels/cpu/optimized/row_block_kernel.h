#pragma once

#include <vector>

#include "../index/head_plan.h"
#include "../operands/packed_kv.h"
#include "packed_columns.h"

namespace minference::cpu {

// A head that is ready to be computed, row block by row block.
struct PlannedHead {
  PlannedHead(const KernelTable& kernels, const HeadView& view, const PackedKv& kv, HeadPlan head_plan)
      : view(view),
        kv(&kv),
        span{view.past, view.rows, view.params->local_window},
        plan(std::move(head_plan)),
        ranges(plan, span),
        columns(kernels, view, plan.columns) {}
  PlannedHead(const PlannedHead&) = delete;

  HeadView view;
  const PackedKv* kv;
  CallSpan span;
  HeadPlan plan;
  RangeBuilder ranges;
  PackedColumns columns;
};

// Scratch of one worker: the state of up to kRowBlock rows.
class RowBlockKernel {
 public:
  RowBlockKernel(const KernelTable& kernels, const AttentionParams& params);

  // Packs rows (their positions ascending within each group of KernelTable::row_group) and resets the softmax.
  void begin(const void* const* queries, const int32_t* positions, int64_t rows);
  // Runs `add_keys`, which computes all keys of the rows; again, with care for values of no weight, where such a value
  // that is not finite has spoiled a row.
  template <class AddKeys>
  void attend(const AddKeys& add_keys) {
    add_keys();
    if (!is_spoiled()) return;
    block_.skip_zeros = true;
    reset();
    add_keys();
  }
  // All keys of one row block of a head; afterwards block() holds its result.
  void compute(const PlannedHead& head, int64_t row_block);

  const RowBlock& block() const { return block_; }

  // Row r of the result into `out` (head_dim elements of the output's type), and its log-sum-exp, natural log, without
  // the head's sink.
  void store_row(int64_t r, int64_t head, void* out) const;
  float lse(int64_t r) const;
  // 1 / the softmax denominator of row r, 0 for a row without keys.
  float inverse_sum(int64_t r, int64_t head) const;

 private:
  void reset();
  // Whether a row whose softmax is finite has a result that is not.
  bool is_spoiled() const;
  void add_columns(const PackedColumns& columns, const PlannedHead& head, int64_t row_block,
                   class TileQueue& queue) const;

  const KernelTable& kernels_;
  const AttentionParams& params_;
  AlignedBuffer<float> q_, out_, max_, sum_, scores_;
  AlignedBuffer<int32_t> positions_;
  RowBlock block_;
  std::vector<KeyRange> ranges_;
};

}  // namespace minference::cpu
