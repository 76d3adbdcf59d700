#include <algorithm>
#include <cmath>
#include <limits>

#include "block_lists.h"
#include "methods.h"
#include "row_scores.h"

namespace minference::rivals {
namespace {

// As its second version has them: first key blocks, nearest key blocks, and last query blocks that see everything.
constexpr int64_t kSinkBlocks = 2, kWindowBlocks = 4, kFullBlocks = 8;

}  // namespace

// Rows against means of key blocks that they see whole: a block scores the sum of the exponentials over the query
// block's rows, and is kept from α times the best score on.
HeadIndex flash_prefill(const HeadView& view, const HeadPattern& pattern) {
  const CallSpan span{view.past, view.rows, view.params->local_window};
  const QueryBlocks queries(span);
  const double alpha = pattern.a / 1e6;
  const std::vector<float> means =
      block_means(view, 0, span.total(), kBlock, [&](int64_t key) { return view.key(key); });
  std::vector<const void*> rows;
  for (int64_t block = 0; block < queries.end; ++block) rows.push_back(means.data() + block * view.d());
  const PackedRows keys(rows, false, view.d());
  const int64_t group = cpu::kernels().row_group;
  AlignedBuffer<float> logits(group * keys.stride());
  std::vector<std::vector<int32_t>> kept;
  for (int64_t q = queries.first; q < queries.end; ++q) {
    const int64_t begin = std::max(q * kBlock, span.past), end = std::min((q + 1) * kBlock, span.total());
    std::vector<std::vector<float>> seen(q + 1);  // logits of each key block
    for (int64_t first = begin; first < end; first += group) {
      const int64_t count = std::min(group, end - first);
      const void* own[cpu::kMaxRowGroup];
      for (int64_t r = 0; r < count; ++r) own[r] = view.query(first + r - span.past);
      keys.multiply(own, count, view.half(), view.params->sm_scale, q + 1, logits.data(), keys.stride());
      for (int64_t r = 0; r < count; ++r) {
        for (int64_t j = 0; j <= q && (j + 1) * kBlock - 1 <= first + r; ++j) {
          seen[j].push_back(logits.data()[r * keys.stride() + j]);
        }
      }
    }
    float max = -std::numeric_limits<float>::infinity();
    for (const auto& one : seen) {
      for (const float logit : one) max = std::max(max, logit);
    }
    std::vector<double> scores(q + 1, 0.0);
    for (int64_t j = 0; j <= q; ++j) {
      for (const float logit : seen[j]) scores[j] += std::exp(static_cast<double>(logit) - max);
    }
    const double least = alpha * *std::max_element(scores.begin(), scores.end());
    std::vector<int32_t>& own = kept.emplace_back();
    for (int64_t j = 0; j <= q; ++j) {
      const bool scored = !seen[j].empty() && scores[j] >= least;
      if (scored || j < kSinkBlocks || q - j < kWindowBlocks || q >= queries.end - kFullBlocks) {
        own.push_back(static_cast<int32_t>(j));
      }
    }
  }
  return to_index(span, kept);
}

}  // namespace minference::rivals
