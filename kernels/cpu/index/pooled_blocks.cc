#include "pooled_blocks.h"

#include <algorithm>
#include <vector>

#include "select_top.h"

namespace minference::cpu {
namespace {

// Means of up to kPatternBlock rows into `mean`; `row(i)` is the address of row i.
template <class Row>
void pool(const KernelTable& kernels, int64_t count, bool half, int64_t d, const Row& row, float* scratch,
          float* mean) {
  std::fill_n(mean, d, 0.0f);
  for (int64_t i = 0; i < count; ++i) {
    kernels.to_float(row(i), half, d, scratch);
    for (int64_t e = 0; e < d; ++e) mean[e] += scratch[e];
  }
  for (int64_t e = 0; e < d; ++e) mean[e] /= static_cast<float>(count);
}

}  // namespace

PooledBlocks::PooledBlocks(const KernelTable& kernels, const HeadView& view)
    : kernels_(kernels),
      span_{view.past, view.rows, view.params->local_window},
      d_(view.d()),
      query_blocks_((view.rows + kPatternBlock - 1) / kPatternBlock),
      key_panels_((view.total + kPatternBlock * kPanelKeys - 1) / (kPatternBlock * kPanelKeys)),
      queries_((query_blocks_ + kMaxRowGroup) * d_),
      keys_(key_panels_ * kPanelKeys * d_) {
  constexpr int64_t kBatch = kPanelKeys;
  std::vector<float> means(kBatch * d_), scratch(d_);
  const void* rows[kBatch];
  for (int64_t i = 0; i < kBatch; ++i) rows[i] = means.data() + i * d_;
  for (int64_t panel = 0; panel < key_panels_; ++panel) {
    int64_t count = 0;
    for (; count < kBatch; ++count) {
      const int64_t key = (panel * kBatch + count) * kPatternBlock;
      if (key >= view.total) break;
      const auto row = [&](int64_t i) { return view.key(key + i); };
      pool(kernels, std::min<int64_t>(kPatternBlock, view.total - key), view.half(), d_, row, scratch.data(),
           means.data() + count * d_);
    }
    kernels.pack_keys(rows, count, false, d_, keys_.data() + panel * kBatch * d_);
  }
  for (int64_t block = 0; block < query_blocks_; block += kernels.row_group) {
    const int64_t count = std::min(kernels.row_group, query_blocks_ - block);
    for (int64_t b = 0; b < count; ++b) {
      const int64_t first = (block + b) * kPatternBlock;
      const auto row = [&](int64_t i) { return view.query(first + i); };
      pool(kernels, std::min<int64_t>(kPatternBlock, view.rows - first), view.half(), d_, row, scratch.data(),
           means.data() + b * d_);
    }
    kernels.pack_queries(rows, count, false, d_, view.params->sm_scale, queries_.data() + block * d_);
  }
}

void PooledBlocks::select(int64_t count, HeadPlan& plan) const {
  plan.block_offsets.assign(1, 0);
  plan.key_blocks.clear();
  const int64_t stride = key_panels_ * kPanelKeys;
  AlignedBuffer<float> scores(kernels_.row_group * stride);
  for (int64_t block = 0; block < query_blocks_; ++block) {
    const VisibleBlocks seen(span_, block);
    const int64_t row = block % kernels_.row_group;
    if (row == 0) {
      const int64_t last = VisibleBlocks(span_, std::min(query_blocks_ - 1, block + kernels_.row_group - 1)).last;
      kernels_.scores(queries_.data() + block * d_, keys_.data(), last / kPanelKeys + 1, d_, scores.data(), stride);
    }
    const int64_t own = seen.last + 1 - seen.own;
    Ranking ranking(scores.data() + row * stride + seen.first, seen.last + 1 - seen.first - own, 0);
    for (const int32_t chosen : ranking.top(std::max<int64_t>(0, count - own))) {
      plan.key_blocks.push_back(static_cast<int32_t>(seen.first + chosen));
    }
    for (int64_t key_block = seen.last + 1 - own; key_block <= seen.last; ++key_block) {
      plan.key_blocks.push_back(static_cast<int32_t>(key_block));
    }
    plan.block_offsets.push_back(static_cast<int64_t>(plan.key_blocks.size()));
  }
}

}  // namespace minference::cpu
