#include <algorithm>

#include "../cpu/index/select_top.h"
#include "../shared/call_span.h"
#include "methods.h"
#include "row_scores.h"

namespace minference::rivals {

HeadIndex top_k(const HeadView& view, const HeadPattern& pattern) {
  const CallSpan span{view.past, view.rows, view.params->local_window};
  const PackedRows keys = PackedRows::keys_of(view);
  HeadIndex index{.range_offsets = {0}, .ranges = {}, .column_offsets = {0}, .columns = {}};
  std::vector<float> sums;
  for (int64_t block = 0; block < span.row_blocks(); ++block) {
    const int64_t first = span.first(block), end = span.last(block) + 1;
    sums.assign(end, 0.0f);
    for_each_row(view, keys, first - span.past, end - span.past, [&](int64_t row, int64_t low, const float* p) {
      for (int64_t key = low; key <= span.past + row; ++key) sums[key] += p[key - low];
    });
    // The block's own positions, as block_sparse has them: else its first rows might see nothing.
    index.ranges.push_back({static_cast<int32_t>(first), static_cast<int32_t>(end)});
    index.range_offsets.push_back(static_cast<int64_t>(index.ranges.size()));
    const int64_t low = std::min(span.low(first), first);
    const int64_t count = std::max<int64_t>(0, pattern.a - (end - first));
    for (const int32_t column : cpu::Ranking(sums.data() + low, first - low, 0).top(count)) {
      index.columns.push_back(static_cast<int32_t>(low + column));
    }
    index.column_offsets.push_back(static_cast<int64_t>(index.columns.size()));
  }
  return index;
}

}  // namespace minference::rivals
