#include <algorithm>
#include <cmath>
#include <numeric>

#include "block_lists.h"
#include "methods.h"
#include "row_scores.h"

namespace minference::rivals {
namespace {

// `stride` neighbouring rows side by side, [groups][stride * d]; rows before `begin` and from `end` on are zeros.
std::vector<float> side_by_side(const HeadView& view, int64_t begin, int64_t end, int64_t stride, bool reversed,
                                const std::function<const void*(int64_t)>& row) {
  const int64_t d = view.d(), first = begin / stride, groups = (end + stride - 1) / stride - first;
  std::vector<float> rows(groups * stride * d, 0.0f);
  for (int64_t position = begin; position < end; ++position) {
    const int64_t within = position % stride, place = reversed ? stride - 1 - within : within;
    float* to = rows.data() + ((position / stride - first) * stride + place) * d;
    cpu::kernels().to_float(row(position), view.half(), d, to);
  }
  return rows;
}

std::vector<const void*> addresses(const std::vector<float>& rows, int64_t width) {
  std::vector<const void*> result;
  for (size_t at = 0; at < rows.size(); at += width) result.push_back(rows.data() + at);
  return result;
}

// The fewest key blocks whose sums come to the required share, the first and the query block's own always among them.
std::vector<int32_t> cover(const std::vector<double>& sums, double share) {
  const double required = share * std::accumulate(sums.begin(), sums.end(), 0.0);
  std::vector<int32_t> kept{0}, others;
  const auto own = static_cast<int32_t>(sums.size()) - 1;
  if (own > 0) kept.push_back(own);
  double sum = sums[0] + (own > 0 ? sums[own] : 0);
  for (int32_t block = 1; block < own; ++block) others.push_back(block);
  std::stable_sort(others.begin(), others.end(), [&](int32_t x, int32_t y) { return sums[x] > sums[y]; });
  for (const int32_t block : others) {
    if (!(sum < required)) break;
    kept.push_back(block);
    sum += sums[block];
  }
  return kept;
}

}  // namespace

// Scores along antidiagonals of squares of `stride` × `stride` keys, softmax over the squares that a row of squares
// sees, and sums of 128 × 128 keys.
HeadIndex x_attention(const HeadView& view, const HeadPattern& pattern) {
  const CallSpan span{view.past, view.rows, view.params->local_window};
  const QueryBlocks queries(span);
  const int64_t stride = pattern.b, width = stride * view.d(), per_block = kBlock / stride;
  const auto query = [&](int64_t position) { return view.query(position - span.past); };
  const auto key = [&](int64_t position) { return view.key(position); };
  const std::vector<float> rows = side_by_side(view, span.past, span.total(), stride, true, query);
  const std::vector<float> columns = side_by_side(view, 0, span.total(), stride, false, key);
  const std::vector<const void*> row_addresses = addresses(rows, width);
  const PackedRows packed(addresses(columns, width), false, width);
  const int64_t first_group = span.past / stride, end_group = first_group + static_cast<int64_t>(row_addresses.size());
  AlignedBuffer<float> scores(cpu::kernels().row_group * packed.stride());
  const float scale = view.params->sm_scale / static_cast<float>(stride);

  std::vector<std::vector<int32_t>> kept;
  for (int64_t q = queries.first; q < queries.end; ++q) {
    std::vector<double> sums(q + 1, 0.0);
    const int64_t begin = std::max(q * per_block, first_group), end = std::min((q + 1) * per_block, end_group);
    for (int64_t g = begin; g < end; g += cpu::kernels().row_group) {
      const int64_t count = std::min(cpu::kernels().row_group, end - g);
      packed.multiply(row_addresses.data() + (g - first_group), count, false, scale, g + count, scores.data(),
                      packed.stride());
      for (int64_t r = 0; r < count; ++r) {
        float* s = scores.data() + r * packed.stride();
        softmax(s, g + r + 1);
        if (!std::isfinite(s[0])) continue;
        for (int64_t c = 0; c <= g + r; ++c) sums[c / per_block] += s[c];
      }
    }
    kept.push_back(cover(sums, pattern.a / 1e6));
  }
  return to_index(span, kept);
}

}  // namespace minference::rivals
