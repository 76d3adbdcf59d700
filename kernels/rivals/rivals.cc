#include "rivals.h"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>

#include "block_lists.h"
#include "methods.h"

namespace minference::rivals {
namespace {

HeadIndex build(const HeadView& view, const HeadPattern& pattern) {
  if (view.rows == 0) return whole_context({view.past, 0, view.params->local_window});
  switch (RivalKind{pattern.kind}) {
    case RivalKind::kTopK:
      return top_k(view, pattern);
    case RivalKind::kFlexPrefill:
      return flex_prefill(view, pattern);
    case RivalKind::kXAttention:
      return x_attention(view, pattern);
    default:
      return flash_prefill(view, pattern);
  }
}

}  // namespace

bool is_rival(int32_t kind) { return kind > static_cast<int32_t>(PatternKind::kExplicit); }

void check_rival(const HeadPattern& pattern) {
  if (RivalKind{pattern.kind} == RivalKind::kXAttention && (pattern.b < 1 || kBlock % pattern.b != 0)) {
    throw std::invalid_argument("expected a stride of xattention that divides 128, found " + std::to_string(pattern.b));
  }
  const bool has_share = RivalKind{pattern.kind} == RivalKind::kXAttention ||
                         RivalKind{pattern.kind} == RivalKind::kFlexPrefill ||
                         RivalKind{pattern.kind} == RivalKind::kFlashPrefill;
  if (has_share && pattern.a > 1'000'000) {
    throw std::invalid_argument("expected a share of at most 1,000,000 millionths, found " + std::to_string(pattern.a));
  }
}

void resolve(const AttentionParams& call, std::vector<HeadPattern>& patterns, std::vector<HeadIndex>& indices,
             const ParallelFor& parallel) {
  std::vector<int64_t> apart;                                            // heads that choose by themselves
  std::map<std::pair<int32_t, int32_t>, std::vector<int64_t>> together;  // by their sizes
  for (size_t h = 0; h < patterns.size(); ++h) {
    if (!is_rival(patterns[h].kind)) continue;
    check_rival(patterns[h]);
    if (RivalKind{patterns[h].kind} == RivalKind::kInfLlm) {
      together[{patterns[h].a, patterns[h].b}].push_back(static_cast<int64_t>(h));
    } else {
      apart.push_back(static_cast<int64_t>(h));
    }
  }
  if (apart.empty() && together.empty()) return;
  if (call.shape.batch != 1) {
    throw std::invalid_argument("expected a batch of 1 with patterns of this kind, found " +
                                std::to_string(call.shape.batch));
  }
  const auto make_explicit = [&](int64_t head, size_t index) {
    patterns[head] = {static_cast<int32_t>(PatternKind::kExplicit), static_cast<int32_t>(index), 0,
                      patterns[head].flags};
  };
  const size_t first = indices.size();
  indices.resize(first + apart.size());
  parallel(static_cast<int64_t>(apart.size()), [&](int64_t i) {
    indices[first + i] = build({call, 0, apart[i]}, patterns[apart[i]]);
  });
  for (size_t i = 0; i < apart.size(); ++i) make_explicit(apart[i], first + i);
  for (const auto& [sizes, heads] : together) {
    std::vector<HeadView> views;
    for (const int64_t head : heads) views.emplace_back(call, 0, head);
    indices.push_back(inf_llm(views, patterns[heads.front()], parallel));
    for (const int64_t head : heads) make_explicit(head, indices.size() - 1);
  }
}

}  // namespace minference::rivals
