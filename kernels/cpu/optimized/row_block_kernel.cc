#include "row_block_kernel.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "tile_queue.h"

namespace minference::cpu {
namespace {

constexpr float kLog2e = 1.4426950408889634f;
constexpr float kLn2 = 0.6931471805599453f;
constexpr int64_t kRowsRoom = kRowBlock + kMaxRowGroup;

}  // namespace

RowBlockKernel::RowBlockKernel(const KernelTable& kernels, const AttentionParams& params)
    : kernels_(kernels),
      params_(params),
      q_(kRowsRoom * params.shape.head_dim),
      out_(kRowsRoom * padded_head_dim(params.shape.head_dim)),
      max_(kRowsRoom),
      sum_(kRowsRoom),
      scores_(kMaxRowGroup * kTileKeys),
      positions_(kRowsRoom) {
  block_ = {.rows = 0,
            .d = params.shape.head_dim,
            .d_pad = padded_head_dim(params.shape.head_dim),
            .q = q_.data(),
            .out = out_.data(),
            .max = max_.data(),
            .sum = sum_.data(),
            .scores = scores_.data(),
            .positions = positions_.data(),
            .window = params.local_window,
            .skip_zeros = false,
            .cap = params.softcap > 0 ? params.softcap * kLog2e : 0.0f};
}

void RowBlockKernel::begin(const void* const* queries, const int32_t* positions, int64_t rows) {
  block_.rows = rows;
  const float scale = params_.softcap > 0 ? params_.sm_scale / params_.softcap : params_.sm_scale * kLog2e;
  kernels_.pack_queries(queries, rows, params_.dtype == DataType::kFloat16, block_.d, scale, q_.data());
  for (int64_t r = 0; r < rows + kMaxRowGroup; ++r) positions_.data()[r] = positions[std::min(r, rows - 1)];
  block_.skip_zeros = false;
  reset();
}

void RowBlockKernel::reset() {
  RowBlock padded = block_;
  padded.rows = (block_.rows + kMaxRowGroup - 1) / kMaxRowGroup * kMaxRowGroup;  // groups are computed whole
  kernels_.reset(padded);
}

bool RowBlockKernel::is_spoiled() const {
  for (int64_t r = 0; r < block_.rows; ++r) {
    if (!std::isfinite(block_.sum[r])) continue;
    for (int64_t e = 0; e < block_.d; ++e) {
      if (!std::isfinite(block_.out[r * block_.d_pad + e])) return true;
    }
  }
  return false;
}

void RowBlockKernel::compute(const PlannedHead& head, int64_t row_block) {
  const int64_t first = row_block * kBlockM;
  const int64_t rows = std::min<int64_t>(kBlockM, head.view.rows - first);
  const void* queries[kRowBlock];
  int32_t positions[kRowBlock];
  for (int64_t r = 0; r < rows; ++r) {
    queries[r] = head.view.query(first + r);
    positions[r] = static_cast<int32_t>(head.view.past + first + r);
  }
  begin(queries, positions, rows);
  head.ranges.ranges(row_block, ranges_);
  std::optional<PackedColumns> own;
  if (head.plan.has_own_columns()) {
    own.emplace(kernels_, head.view, own_columns(head.plan, head.span, row_block, ranges_));
  }
  attend([&] {
    TileQueue queue(kernels_, block_);
    for (const KeyRange& range : ranges_) {
      for (int32_t key = range.begin; key < range.end; key += kPanelKeys) {
        queue.add_range_panel(head.kv->panel(key / kPanelKeys), key, range.end);
      }
    }
    add_columns(own ? *own : head.columns, head, row_block, queue);
    queue.flush();
  });
}

void RowBlockKernel::add_columns(const PackedColumns& columns, const PlannedHead& head, int64_t row_block,
                                 TileQueue& queue) const {
  const int64_t low = head.span.low(head.span.first(row_block)), last = head.span.last(row_block);
  size_t range = 0;
  for (int64_t p = 0; p < columns.panels(); ++p) {
    const Panel panel = columns.panel(p);
    if (panel.first > last) return;
    bool kept[kPanelKeys];
    for (int64_t i = 0; i < kPanelKeys; ++i) {
      const int32_t column = panel.positions[i];
      while (range < ranges_.size() && ranges_[range].end <= column) ++range;
      const bool covered = range < ranges_.size() && ranges_[range].begin <= column;
      kept[i] = column >= low && column <= last && !covered;
    }
    queue.add_column_panel(panel, kept);
  }
}

float RowBlockKernel::inverse_sum(int64_t r, int64_t head) const {
  if (block_.sum[r] == 0) return 0;
  const float sink = params_.head_sink == nullptr ? 0 : std::exp2(params_.head_sink[head] * kLog2e - block_.max[r]);
  return 1.0f / (block_.sum[r] + sink);
}

void RowBlockKernel::store_row(int64_t r, int64_t head, void* out) const {
  kernels_.from_float(block_.out + r * block_.d_pad, block_.d, inverse_sum(r, head),
                      params_.dtype == DataType::kFloat16, out);
}

float RowBlockKernel::lse(int64_t r) const {
  if (block_.sum[r] == 0) return -std::numeric_limits<float>::infinity();
  return (block_.max[r] + std::log2(block_.sum[r])) * kLn2;
}

}  // namespace minference::cpu
