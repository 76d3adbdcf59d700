#include "last_q_estimate.h"

#include <algorithm>
#include <cmath>

namespace minference::cpu {
namespace {

constexpr float kLog2e = 1.4426950408889634f;

}  // namespace

LastQEstimate estimate_last_q(const KernelTable& kernels, const HeadView& view, const PackedKv& kv) {
  const AttentionParams& params = *view.params;
  const int64_t d = view.d(), total = view.total, rows = std::min<int64_t>(kLastQ, view.rows);
  const int64_t first_row = view.rows - rows, stride = kv.panels() * kPanelKeys;
  const bool capped = params.softcap > 0;
  const float scale = capped ? params.sm_scale / params.softcap : params.sm_scale * kLog2e;

  const void* queries[kLastQ];
  for (int64_t r = 0; r < rows; ++r) queries[r] = view.query(first_row + r);
  AlignedBuffer<float> q((rows + kMaxRowGroup) * d);
  kernels.pack_queries(queries, rows, view.half(), d, scale, q.data());

  // Diagonals are summed mirrored, at total - 1 - distance: then a row adds to them in the order of its keys.
  std::vector<float> columns(total), mirrored(total);
  AlignedBuffer<float> scores(kernels.row_group * stride);
  for (int64_t group = 0; group < rows; group += kernels.row_group) {
    kernels.scores(q.data() + group * d, kv.keys(), kv.panels(), d, scores.data(), stride);
    for (int64_t r = group; r < std::min(rows, group + kernels.row_group); ++r) {
      float* s = scores.data() + (r - group) * stride;
      const int64_t position = view.past + first_row + r;
      const int64_t low = params.local_window < 0 ? 0 : std::max<int64_t>(0, position - params.local_window + 1);
      const int64_t seen = position + 1 - low;
      if (seen <= 0) continue;
      if (capped) kernels.soft_cap(s + low, seen, params.softcap * kLog2e);
      const float max = kernels.row_max(s + low, seen);
      float sum = kernels.exp_sum(s + low, seen, max);
      if (!std::isfinite(sum)) continue;  // a score of the row is NaN or +inf: it says nothing about other rows
      if (params.head_sink != nullptr) sum += std::exp2(params.head_sink[view.head] * kLog2e - max);
      kernels.add_scaled(s + low, seen, 1.0f / sum, columns.data() + low, mirrored.data() + total - 1 - position + low);
    }
  }
  std::reverse(mirrored.begin(), mirrored.end());
  return {std::move(columns), std::move(mirrored)};
}

}  // namespace minference::cpu
