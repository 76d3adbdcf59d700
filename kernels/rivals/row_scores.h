// Products of rows with keys by the CPU's inner loops.
#pragma once

#include <functional>
#include <vector>

#include "../cpu/operands/aligned_buffer.h"
#include "../cpu/operands/head_view.h"
#include "../cpu/simd/kernel_table.h"

namespace minference::rivals {

using cpu::AlignedBuffer;
using cpu::HeadView;

// Vectors that rows are multiplied with, packed.
class PackedRows {
 public:
  // rows[i]: `d` elements, float16 if `half`.
  PackedRows(const std::vector<const void*>& rows, bool half, int64_t d);
  // All keys of the head's context.
  static PackedRows keys_of(const HeadView& view);

  int64_t count() const { return count_; }
  // products[r * stride + i] = scale · queries[r] · row i, for i < `end`, of up to 8 queries (row_group of the table).
  void multiply(const void* const* queries, int64_t num_queries, bool half, float scale, int64_t end, float* products,
                int64_t stride) const;
  // Room that a row of products takes.
  int64_t stride() const { return panels_ * cpu::kPanelKeys; }

 private:
  int64_t count_, d_, panels_;
  AlignedBuffer<float> panels_data_;
};

// Calls use(row, low, probabilities) for rows begin … end - 1 of the call: attention probabilities (soft-cap and window
// included, head_sink not) of the keys low … the row's own position. `keys`: keys_of(view). Rows that have none, or a
// score that is no number, are left out.
void for_each_row(const HeadView& view, const PackedRows& keys, int64_t begin, int64_t end,
                  const std::function<void(int64_t row, int64_t low, const float* probabilities)>& use);

// Means of blocks of `size` rows, [blocks][d]: rows begin … end - 1, cut at multiples of `size`. `row(i)` is the
// address of row i.
std::vector<float> block_means(const HeadView& view, int64_t begin, int64_t end, int64_t size,
                               const std::function<const void*(int64_t)>& row);

// x = softmax(x) over n scores.
void softmax(float* x, int64_t n);

}  // namespace minference::rivals
