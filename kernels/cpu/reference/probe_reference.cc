#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "../../shared/check_params.h"
#include "reference.h"

namespace minference::cpu {
namespace {

using reference::HeadResult;

// Every pattern on the candidate's grid, from the smallest to the first that covers the context (see HeadPattern).
std::vector<HeadPattern> fit_grid(const HeadPattern& candidate, int64_t total) {
  const bool fit_a = candidate.flags & kFitA, fit_b = candidate.flags & kFitB;
  std::vector<HeadPattern> grid;
  if (PatternKind{candidate.kind} == PatternKind::kBlockSparse) {
    if (!fit_a) return {candidate};
    for (int32_t blocks = 1; grid.empty() || (blocks - 1) * kPatternBlock < total; ++blocks) {
      grid.push_back({candidate.kind, blocks, candidate.b, candidate.flags});
    }
    return grid;
  }
  if ((!fit_a && !fit_b) || PatternKind{candidate.kind} == PatternKind::kDense) return {candidate};
  const bool a_leads = fit_a && (!fit_b || candidate.a >= candidate.b);
  const int64_t lead = a_leads ? candidate.a : candidate.b, other = a_leads ? candidate.b : candidate.a;
  for (int64_t x = lead % kFitStep;; x += kFitStep) {
    const int64_t scaled = lead > 0 ? (2 * x * other + lead) / (2 * lead) : x;  // round(x * other / lead)
    const int32_t moved = static_cast<int32_t>(x), kept = static_cast<int32_t>(fit_a && fit_b ? scaled : other);
    grid.push_back({candidate.kind, a_leads ? moved : kept, a_leads ? kept : moved, candidate.flags});
    if (x >= total) return grid;
  }
}

SparseIndex fit(const AttentionParams& params, int64_t head, HeadPattern& candidate, double budget,
                const KernelGeometry& geometry) {
  if (params.new_lens[0] == 0) return reference::build_index(params, 0, head, candidate, geometry);  // nothing to fit
  const std::vector<HeadPattern> grid = fit_grid(candidate, int64_t{params.past_lens[0]} + params.new_lens[0]);
  for (size_t i = grid.size();; --i) {
    SparseIndex index = reference::build_index(params, 0, head, grid[i - 1], geometry);
    if (i > 1 && index.flops > budget) continue;
    candidate = grid[i - 1];
    return index;
  }
}

// |sparse - dense| / |dense| over rows [first, end).
double relative_error(const HeadResult& sparse, const HeadResult& dense, int64_t first, int64_t end, int64_t d) {
  double difference = 0, norm = 0;
  for (int64_t e = std::max<int64_t>(0, first) * d; e < end * d; ++e) {
    difference += (sparse.out[e] - dense.out[e]) * (sparse.out[e] - dense.out[e]);
    norm += dense.out[e] * dense.out[e];
  }
  if (std::isnan(difference + norm)) return std::numeric_limits<double>::quiet_NaN();
  return norm > 0 ? std::sqrt(difference / norm) : difference > 0 ? 1.0 : 0.0;
}

double mass_recall(const HeadResult& sparse, const HeadResult& dense) {
  double sum = 0;
  for (size_t r = 0; r < dense.lse.size(); ++r) {
    sum += std::isinf(dense.lse[r]) ? 1.0 : std::exp(sparse.lse[r] - dense.lse[r]);  // no keys at all: nothing lost
  }
  return dense.lse.empty() ? 1.0 : sum / static_cast<double>(dense.lse.size());
}

}  // namespace

void probe_reference(const ProbeParams& params, const KernelGeometry& geometry) {
  contract::check_probe(params);
  contract::check_geometry(geometry);
  AttentionParams attention = params.attention;
  const std::vector<HeadPattern> all_dense(attention.shape.num_heads, HeadPattern{0, 0, 0, 0});
  attention.patterns = all_dense.data();
  attention_reference(attention, geometry);
  const int64_t rows = attention.new_lens[0], d = attention.shape.head_dim;
  for (int64_t h = 0; h < attention.shape.num_heads; ++h) {
    const SparseIndex dense_index = reference::build_index(attention, 0, h, all_dense[h], geometry);
    const HeadResult dense = reference::attend(attention, 0, h, dense_index, geometry);
    for (int64_t c = 0; c < params.num_candidates; ++c) {
      HeadPattern fitted = params.candidate(h, c);
      const SparseIndex index = fit(attention, h, fitted, params.budget_flops, geometry);
      const auto start = std::chrono::steady_clock::now();
      const HeadResult sparse = reference::attend(attention, 0, h, index, geometry);
      const std::chrono::duration<float, std::micro> elapsed = std::chrono::steady_clock::now() - start;
      float* scores = params.scores + (h * params.num_candidates + c) * kScoreFields;
      scores[kErrorAll] = static_cast<float>(relative_error(sparse, dense, 0, rows, d));
      scores[kErrorLast] = static_cast<float>(relative_error(sparse, dense, rows - kLastQ, rows, d));
      scores[kMassRecall] = static_cast<float>(mass_recall(sparse, dense));
      scores[kTiles] = static_cast<float>(index.tiles);
      scores[kFlops] = static_cast<float>(index.flops);
      scores[kMicroseconds] = elapsed.count();
      scores[kFittedA] = static_cast<float>(fitted.a);
      scores[kFittedB] = static_cast<float>(fitted.b);
    }
  }
}

}  // namespace minference::cpu
