#include "row_scores.h"

#include <algorithm>
#include <cmath>

namespace minference::rivals {
namespace {

constexpr float kLog2e = 1.4426950408889634f;

}  // namespace

PackedRows::PackedRows(const std::vector<const void*>& rows, bool half, int64_t d)
    : count_(static_cast<int64_t>(rows.size())),
      d_(d),
      panels_((count_ + cpu::kPanelKeys - 1) / cpu::kPanelKeys),
      panels_data_(panels_ * cpu::kPanelKeys * d) {
  for (int64_t panel = 0; panel < panels_; ++panel) {
    const int64_t first = panel * cpu::kPanelKeys;
    cpu::kernels().pack_keys(rows.data() + first, std::min(cpu::kPanelKeys, count_ - first), half, d,
                             panels_data_.data() + first * d);
  }
}

PackedRows PackedRows::keys_of(const HeadView& view) {
  std::vector<const void*> keys;
  for (int64_t key = 0; key < view.total; ++key) keys.push_back(view.key(key));
  return {keys, view.half(), view.d()};
}

void PackedRows::multiply(const void* const* queries, int64_t num_queries, bool half, float scale, int64_t end,
                          float* products, int64_t stride) const {
  AlignedBuffer<float> packed(cpu::kMaxRowGroup * d_);
  cpu::kernels().pack_queries(queries, num_queries, half, d_, scale, packed.data());
  cpu::kernels().scores(packed.data(), panels_data_.data(), (end + cpu::kPanelKeys - 1) / cpu::kPanelKeys, d_, products,
                        stride);
}

void for_each_row(const HeadView& view, const PackedRows& keys, int64_t begin, int64_t end,
                  const std::function<void(int64_t row, int64_t low, const float* probabilities)>& use) {
  const cpu::KernelTable& kernels = cpu::kernels();
  const AttentionParams& params = *view.params;
  const bool capped = params.softcap > 0;
  const float scale = capped ? params.sm_scale / params.softcap : params.sm_scale * kLog2e;
  AlignedBuffer<float> scores(kernels.row_group * keys.stride());
  for (int64_t group = begin; group < end; group += kernels.row_group) {
    const int64_t rows = std::min(kernels.row_group, end - group);
    const void* queries[cpu::kMaxRowGroup];
    for (int64_t r = 0; r < rows; ++r) queries[r] = view.query(group + r);
    keys.multiply(queries, rows, view.half(), scale, view.past + group + rows, scores.data(), keys.stride());
    for (int64_t r = 0; r < rows; ++r) {
      float* s = scores.data() + r * keys.stride();
      const int64_t position = view.past + group + r;
      const int64_t low = params.local_window < 0 ? 0 : std::max<int64_t>(0, position - params.local_window + 1);
      const int64_t seen = position + 1 - low;
      if (seen <= 0) continue;
      if (capped) kernels.soft_cap(s + low, seen, params.softcap * kLog2e);
      const float sum = kernels.exp_sum(s + low, seen, kernels.row_max(s + low, seen));
      if (!std::isfinite(sum)) continue;
      for (int64_t i = 0; i < seen; ++i) s[low + i] /= sum;
      use(group + r, low, s + low);
    }
  }
}

std::vector<float> block_means(const HeadView& view, int64_t begin, int64_t end, int64_t size,
                               const std::function<const void*(int64_t)>& row) {
  const int64_t d = view.d();
  std::vector<float> means, one(d);
  for (int64_t first = begin; first < end;) {
    const int64_t stop = std::min(end, (first / size + 1) * size);
    std::vector<float> mean(d, 0.0f);
    for (int64_t i = first; i < stop; ++i) {
      cpu::kernels().to_float(row(i), view.half(), d, one.data());
      for (int64_t e = 0; e < d; ++e) mean[e] += one[e];
    }
    for (int64_t e = 0; e < d; ++e) means.push_back(mean[e] / static_cast<float>(stop - first));
    first = stop;
  }
  return means;
}

void softmax(float* x, int64_t n) {
  const float max = *std::max_element(x, x + n);
  float sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += x[i] = std::exp(x[i] - max);
  for (int64_t i = 0; i < n; ++i) x[i] /= sum;
}

}  // namespace minference::rivals
