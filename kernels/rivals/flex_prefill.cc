#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "../cpu/index/select_top.h"
#include "block_lists.h"
#include "methods.h"
#include "row_scores.h"

namespace minference::rivals {
namespace {

constexpr double kTau = 0.1;  // largest distance of estimated and true blocks of a query-aware head

// One more than the largest numbers that together come to no more than `share`.
int64_t cover(std::vector<float> x, double share) {
  std::sort(x.begin(), x.end(), std::greater<>());
  double sum = 0;
  int64_t count = 0;
  for (const float value : x) count += (sum += value) <= share;
  return count + 1;
}

std::vector<float> pool_sums(const std::vector<float>& x) {
  std::vector<float> sums(blocks_of(static_cast<int64_t>(x.size())), 0.0f);
  for (size_t i = 0; i < x.size(); ++i) sums[i / kBlock] += x[i];
  return sums;
}

double root_js_divergence(const std::vector<float>& p, const std::vector<float>& q) {
  double sum = 0;
  const auto part = [](double x, double mean) { return x == 0 ? 0 : x * std::log(x / mean); };
  for (size_t i = 0; i < p.size(); ++i) {
    const double mean = (double{p[i]} + q[i]) / 2;
    sum += part(p[i], mean) / 2 + part(q[i], mean) / 2;
  }
  return std::sqrt(std::max(0.0, sum));
}

float dot(const float* x, const float* y, int64_t d) { return std::inner_product(x, x + d, y, 0.0f); }

// Query and key blocks of pooled probabilities that are the largest and together come to no more than γ of all.
void add_query_aware(const HeadView& view, const CallSpan& span, double gamma, const std::vector<float>& key_means,
                     std::vector<std::vector<int32_t>>& kept) {
  const QueryBlocks queries(span);
  const int64_t d = view.d();
  const std::vector<float> query_means = block_means(
      view, span.past, span.total(), kBlock, [&](int64_t position) { return view.query(position - span.past); });
  struct Pair {
    float probability;
    int64_t query;
    int32_t key;
  };
  std::vector<Pair> pairs;
  for (int64_t i = 0; i < queries.count(); ++i) {
    std::vector<float> p(queries.first + i + 1);
    for (size_t j = 0; j < p.size(); ++j) {
      p[j] = view.params->sm_scale * dot(query_means.data() + i * d, key_means.data() + j * d, d);
    }
    softmax(p.data(), static_cast<int64_t>(p.size()));
    for (size_t j = 0; j < p.size(); ++j) pairs.push_back({p[j], i, static_cast<int32_t>(j)});
  }
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const Pair& x, const Pair& y) { return x.probability > y.probability; });
  double sum = 0;
  for (const Pair& pair : pairs) {
    if ((sum += pair.probability) > gamma * static_cast<double>(queries.count())) break;
    kept[pair.query].push_back(pair.key);
  }
}

}  // namespace

// The last 128 rows decide: where block means estimate their probabilities well, blocks by pooled probabilities; else
// as many vertical and diagonal blocks as single columns and diagonals would need to hold γ of the probabilities.
HeadIndex flex_prefill(const HeadView& view, const HeadPattern& pattern) {
  const CallSpan span{view.past, view.rows, view.params->local_window};
  const int64_t total = span.total(), blocks = blocks_of(total), d = view.d();
  const int64_t least = std::clamp<int64_t>(blocks_of(pattern.b), 1, blocks);
  if (total <= std::max(2 * kBlock, blocks_of(pattern.b) * kBlock)) return whole_context(span);
  const double gamma = pattern.a / 1e6;

  // Distances from the farthest to the nearest, so that the last block holds the nearest.
  const int64_t rows = std::min<int64_t>(kBlock, span.rows);
  std::vector<float> vertical(total, 0.0f), slash(total, 0.0f);
  for_each_row(view, PackedRows::keys_of(view), span.rows - rows, span.rows,
               [&](int64_t row, int64_t low, const float* p) {
                 for (int64_t key = low; key <= span.past + row; ++key) {
                   vertical[key] += p[key - low] / static_cast<float>(rows);
                   slash[total - 1 - (span.past + row - key)] += p[key - low] / static_cast<float>(rows);
                 }
               });
  int64_t verticals = std::clamp(cover(vertical, gamma) / kBlock + 1, least, blocks);
  int64_t slashes = std::clamp(cover(slash, gamma) / kBlock + 1, least, blocks);
  std::vector<float> vertical_blocks = pool_sums(vertical), slash_blocks = pool_sums(slash);

  const std::vector<float> key_means = block_means(view, 0, total, kBlock, [&](int64_t key) { return view.key(key); });
  std::vector<float> last(d, 0.0f), one(d), estimate(blocks);
  for (int64_t row = span.rows - rows; row < span.rows; ++row) {
    cpu::kernels().to_float(view.query(row), view.half(), d, one.data());
    for (int64_t e = 0; e < d; ++e) last[e] += one[e] / static_cast<float>(rows);
  }
  for (int64_t j = 0; j < blocks; ++j) {
    estimate[j] = view.params->sm_scale * dot(last.data(), key_means.data() + j * d, d);
  }
  softmax(estimate.data(), blocks);
  const bool query_aware = root_js_divergence(estimate, vertical_blocks) < kTau;
  if (query_aware) verticals = slashes = least;

  vertical_blocks.front() = slash_blocks.back() = std::numeric_limits<float>::infinity();
  const QueryBlocks queries(span);
  std::vector<std::vector<int32_t>> kept(queries.count());
  const auto chosen_verticals = cpu::Ranking(vertical_blocks.data(), blocks, 0).top(verticals);
  const auto chosen_slashes = cpu::Ranking(slash_blocks.data(), blocks, 0).top(slashes);
  for (int64_t q = queries.first; q < queries.end; ++q) {
    std::vector<int32_t>& own = kept[q - queries.first];
    for (const int32_t block : chosen_verticals) {
      if (block <= q) own.push_back(block);
    }
    for (const int32_t place : chosen_slashes) {
      const int64_t block = q - (blocks - 1 - place);
      if (block >= 0) own.push_back(static_cast<int32_t>(block));
    }
  }
  if (query_aware) add_query_aware(view, span, gamma, key_means, kept);
  return to_index(span, kept);
}

}  // namespace minference::rivals
