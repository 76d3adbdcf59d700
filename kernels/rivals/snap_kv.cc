#include <algorithm>
#include <iterator>
#include <vector>

#include "../cpu/index/select_top.h"
#include "../shared/call_span.h"
#include "kept_kv.h"
#include "row_scores.h"

namespace minference::rivals {
namespace {

constexpr int64_t kWindow = 64;  // last positions, whose rows vote and which are kept
constexpr int64_t kPool = 7;     // neighbours whose largest sum a key gets

}  // namespace

HeadIndex snap_kv(const AttentionParams& call, int64_t head, int64_t capacity) {
  const HeadView view(call, 0, head);
  const CallSpan span{view.past, view.rows, call.local_window};
  const int64_t before = std::max<int64_t>(0, span.total() - kWindow);
  HeadIndex index{.range_offsets = {0}, .ranges = {}, .column_offsets = {0}, .columns = {}};
  if (span.total() > before) index.ranges.push_back({static_cast<int32_t>(before), static_cast<int32_t>(span.total())});
  index.range_offsets.push_back(static_cast<int64_t>(index.ranges.size()));

  std::vector<float> sums(before, 0.0f), pooled(before);
  for_each_row(view, PackedRows::keys_of(view), std::max<int64_t>(0, span.rows - kWindow), span.rows,
               [&](int64_t row, int64_t low, const float* p) {
                 const int64_t end = std::min(before, span.past + row + 1);
                 for (int64_t key = low; key < end; ++key) sums[key] += p[key - low];
               });
  for (int64_t key = 0; key < before; ++key) {
    const int64_t begin = std::max<int64_t>(0, key - kPool / 2), end = std::min(before, key + kPool / 2 + 1);
    pooled[key] = *std::max_element(sums.begin() + begin, sums.begin() + end);
  }
  index.columns = cpu::Ranking(pooled.data(), before, 0).top(std::max<int64_t>(0, capacity - kWindow));
  index.column_offsets.push_back(std::ssize(index.columns));
  return index;
}

}  // namespace minference::rivals
