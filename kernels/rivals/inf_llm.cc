#include <algorithm>
#include <cmath>

#include "../cpu/index/select_top.h"
#include "block_lists.h"
#include "methods.h"
#include "row_scores.h"

namespace minference::rivals {
namespace {

constexpr int64_t kInitial = 128;        // first keys, which every row sees
constexpr int64_t kRepresentatives = 4;  // keys that stand for a block
constexpr int64_t kChunk = 512;          // rows that retrieve the same blocks
static_assert(kChunk % kPatternBlock == 0);

// What every key got from the rows of the call that have it in their local window: probabilities over that window and
// the first keys.
std::vector<float> local_scores(const HeadView& view, int64_t local) {
  const CallSpan span{view.past, view.rows, view.params->local_window};
  std::vector<float> sums(span.total(), 0.0f);
  for_each_row(view, PackedRows::keys_of(view), 0, span.rows, [&](int64_t row, int64_t low, const float* p) {
    const int64_t position = span.past + row, begin = std::max(low, position - local + 1);
    float seen = 0;
    for (int64_t key = begin; key <= position; ++key) seen += p[key - low];
    for (int64_t key = low; key < std::min(begin, kInitial); ++key) seen += p[key - low];
    if (!(seen > 0)) return;
    for (int64_t key = begin; key <= position; ++key) sums[key] += p[key - low] / seen;
  });
  return sums;
}

// Mean of the representatives of each block, [blocks][d].
std::vector<float> represent(const HeadView& view, int64_t local, int64_t blocks) {
  const std::vector<float> scores = local_scores(view, local);
  std::vector<float> means(blocks * view.d(), 0.0f), one(view.d());
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t first = kInitial + block * kBlock;
    for (const int32_t chosen : cpu::Ranking(scores.data() + first, kBlock, 0).top(kRepresentatives)) {
      cpu::kernels().to_float(view.key(first + chosen), view.half(), view.d(), one.data());
      for (int64_t e = 0; e < view.d(); ++e) means[block * view.d() + e] += one[e] / kRepresentatives;
    }
  }
  return means;
}

// Adds to `scores` the products of one head's mean query of rows begin … end - 1 with what stands for the blocks.
void add_scores(const HeadView& view, int64_t begin, int64_t end, const std::vector<float>& means,
                std::vector<float>& scores) {
  const int64_t d = view.d();
  std::vector<float> mean(d, 0.0f), one(d);
  for (int64_t row = begin; row < end; ++row) {
    cpu::kernels().to_float(view.query(row), view.half(), d, one.data());
    for (int64_t e = 0; e < d; ++e) mean[e] += one[e] / static_cast<float>(end - begin);
  }
  for (size_t block = 0; block < scores.size(); ++block) {
    for (int64_t e = 0; e < d; ++e) scores[block] += mean[e] * means[block * d + e];
  }
}

void append(std::vector<KeyRange>& ranges, size_t first, int64_t begin, int64_t end) {
  if (begin >= end) return;
  if (ranges.size() > first && ranges.back().end >= begin) {
    ranges.back().end = std::max(ranges.back().end, static_cast<int32_t>(end));
  } else {
    ranges.push_back({static_cast<int32_t>(begin), static_cast<int32_t>(end)});
  }
}

}  // namespace

HeadIndex inf_llm(const std::vector<HeadView>& heads, const HeadPattern& pattern, const ParallelFor& parallel) {
  const HeadView& view = heads.front();
  const CallSpan span{view.past, view.rows, view.params->local_window};
  const int64_t local = std::max<int64_t>(1, pattern.b), all = std::max<int64_t>(0, span.total() - kInitial) / kBlock;
  std::vector<std::vector<float>> means(heads.size());
  parallel(static_cast<int64_t>(heads.size()), [&](int64_t h) { means[h] = represent(heads[h], local, all); });

  HeadIndex index{.range_offsets = {0}, .ranges = {}, .column_offsets = {0, 0}, .columns = {}};
  std::vector<int32_t> chosen;
  for (int64_t block = 0; block < span.row_blocks(); ++block) {
    const int64_t row = block * kPatternBlock, first = span.first(block), end = span.last(block) + 1;
    if (row % kChunk == 0) {
      // Blocks that have left the window of the chunk's first row.
      const int64_t far = std::max<int64_t>(0, first - local + 1 - kInitial) / kBlock;
      std::vector<float> scores(std::min(far, all), 0.0f);
      for (size_t h = 0; h < heads.size(); ++h) {
        add_scores(heads[h], row, std::min(row + kChunk, span.rows), means[h], scores);
      }
      chosen = cpu::Ranking(scores.data(), static_cast<int64_t>(scores.size()), 0).top(pattern.a);
    }
    const size_t start = index.ranges.size();
    append(index.ranges, start, 0, std::min(kInitial, end));
    for (const int32_t b : chosen) append(index.ranges, start, kInitial + b * kBlock, kInitial + (b + 1) * kBlock);
    append(index.ranges, start, std::max<int64_t>(0, first - local + 1), end);
    index.range_offsets.push_back(static_cast<int64_t>(index.ranges.size()));
  }
  return index;
}

}  // namespace minference::rivals
