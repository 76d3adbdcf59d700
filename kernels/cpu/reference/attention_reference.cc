#include <algorithm>
#include <cmath>
#include <limits>

#include "../../shared/check_params.h"
#include "reference.h"

namespace minference::cpu {
namespace reference {

constexpr double kMinusInf = -std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

bool breaks_row(double logit) { return !(logit <= std::numeric_limits<float>::max()); }

double logit(const AttentionParams& params, int64_t batch, int64_t head, int64_t row, int64_t key) {
  const AttentionShape& shape = params.shape;
  const int64_t position = params.past_lens[batch] + row;
  if (key > position || (params.local_window >= 0 && key <= position - params.local_window)) return kMinusInf;
  const int64_t kv_head = head / (shape.num_heads / shape.num_kv_heads);
  const int64_t q = batch * params.q_stride_batch + row * params.q_stride_seq + head * params.q_stride_head;
  const int64_t k = ((batch * shape.num_kv_heads + kv_head) * shape.capacity + key) * shape.head_dim;
  double dot = 0;
  for (int64_t e = 0; e < shape.head_dim; ++e)
    dot += load(params.q, q + e, params.dtype) * load(params.k, k + e, params.dtype);
  dot *= params.sm_scale;
  return params.softcap > 0 ? params.softcap * std::tanh(dot / params.softcap) : dot;
}

HeadResult attend(const AttentionParams& params, int64_t batch, int64_t head, const SparseIndex& index,
                  const KernelGeometry& geometry) {
  const AttentionShape& shape = params.shape;
  const int64_t d = shape.head_dim, rows = params.new_lens[batch];
  const int64_t kv_head = head / (shape.num_heads / shape.num_kv_heads);
  const int64_t v = (batch * shape.num_kv_heads + kv_head) * shape.capacity * d;
  HeadResult result{std::vector<double>(rows * d, 0.0), std::vector<double>(rows, kMinusInf)};
  std::vector<int64_t> keys;
  for (int64_t row = 0; row < rows; ++row) {
    if (row % geometry.block_m == 0) keys = block_keys(params, batch, index, row / geometry.block_m, geometry);
    std::vector<double> logits(keys.size());
    double max = kMinusInf;
    for (size_t j = 0; j < keys.size(); ++j) max = std::max(max, logits[j] = logit(params, batch, head, row, keys[j]));
    if (std::any_of(logits.begin(), logits.end(), breaks_row)) {
      std::fill_n(result.out.begin() + row * d, d, kNaN);
      result.lse[row] = kNaN;
      continue;
    }
    if (max == kMinusInf) continue;
    double sum = 0;
    for (size_t j = 0; j < keys.size(); ++j) {
      const double p = std::exp(logits[j] - max);
      if (p == 0) continue;
      sum += p;
      for (int64_t e = 0; e < d; ++e) result.out[row * d + e] += p * load(params.v, v + keys[j] * d + e, params.dtype);
    }
    result.lse[row] = max + std::log(sum);
    const double denominator = params.head_sink != nullptr ? sum + std::exp(params.head_sink[head] - max) : sum;
    for (int64_t e = 0; e < d; ++e) result.out[row * d + e] /= denominator;
  }
  return result;
}

}  // namespace reference

void attention_reference(const AttentionParams& params, const KernelGeometry& geometry) {
  contract::check_attention(params, true);
  contract::check_geometry(geometry);
  const AttentionShape& shape = params.shape;
  for (int64_t b = 0; b < shape.batch; ++b) {
    for (int64_t h = 0; h < shape.num_heads; ++h) {
      const SparseIndex index = reference::build_index(params, b, h, params.patterns[h], geometry);
      const reference::HeadResult result = reference::attend(params, b, h, index, geometry);
      for (int64_t r = 0; r < shape.seqlen_q; ++r) {
        const bool padding = r >= params.new_lens[b];
        const int64_t out = ((b * shape.seqlen_q + r) * shape.num_heads + h) * shape.head_dim;
        for (int64_t e = 0; e < shape.head_dim; ++e) {
          reference::store(params.out, out + e, padding ? 0.0 : result.out[r * shape.head_dim + e], params.dtype);
        }
        if (params.lse == nullptr) continue;
        params.lse[(b * shape.num_heads + h) * shape.seqlen_q + r] =
            static_cast<float>(padding ? reference::kMinusInf : result.lse[r]);
      }
    }
  }
}

}  // namespace minference::cpu
