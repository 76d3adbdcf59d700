#pragma once

#include "../simd/kernel_table.h"

namespace minference::cpu {

// Collects the panels of one row block into tiles. Panels that every row sees whole skip the masking, so the two kinds
// queue apart.
class TileQueue {
 public:
  TileQueue(const KernelTable& kernels, const RowBlock& block)
      : kernels_(kernels), block_(block), first_(block.positions[0]), last_(block.positions[block.rows - 1]) {}

  // A panel of the 16 keys from `key` on, of which those before `end` count.
  void add_range_panel(Panel panel, int32_t key, int32_t end) {
    if (sees_all(key, key + static_cast<int32_t>(kPanelKeys) - 1) && end - key >= kPanelKeys) return add_whole(panel);
    int32_t* positions = positions_ + masked_count_ * kPanelKeys;
    for (int32_t i = 0; i < kPanelKeys; ++i) positions[i] = key + i < end ? key + i : kNoKey;
    panel.positions = positions;
    panel.first = key;
    add_masked(panel);
  }

  // A panel of columns, of which those with `kept[i]` count; columns after the last row have to be dropped by the
  // caller.
  void add_column_panel(Panel panel, const bool (&kept)[kPanelKeys]) {
    int32_t* positions = positions_ + masked_count_ * kPanelKeys;
    int32_t first = kNoKey, last = -1;
    bool whole = true;
    for (int64_t i = 0; i < kPanelKeys; ++i) {
      positions[i] = kept[i] ? panel.positions[i] : kNoKey;
      whole = whole && kept[i];
      if (!kept[i]) continue;
      if (first == kNoKey) first = positions[i];
      last = positions[i];
    }
    if (last < 0) return;
    if (whole && sees_all(first, last)) return add_whole(panel);
    panel.positions = positions;
    panel.first = first;
    add_masked(panel);
  }

  void flush() {
    if (whole_count_ > 0) kernels_.attend(block_, whole_, whole_count_, false);
    if (masked_count_ > 0) kernels_.attend(block_, masked_, masked_count_, true);
    whole_count_ = masked_count_ = 0;
  }

 private:
  bool sees_all(int32_t first_key, int32_t last_key) const {
    return last_key <= first_ && (block_.window < 0 || first_key > last_ - block_.window);
  }
  void add_whole(const Panel& panel) {
    whole_[whole_count_++] = panel;
    if (whole_count_ < kTilePanels) return;
    kernels_.attend(block_, whole_, whole_count_, false);
    whole_count_ = 0;
  }
  void add_masked(const Panel& panel) {
    masked_[masked_count_++] = panel;
    if (masked_count_ < kTilePanels) return;
    kernels_.attend(block_, masked_, masked_count_, true);
    masked_count_ = 0;
  }

  const KernelTable& kernels_;
  const RowBlock& block_;
  int32_t first_, last_;
  int64_t whole_count_ = 0, masked_count_ = 0;
  Panel whole_[kTilePanels], masked_[kTilePanels];
  int32_t positions_[kTilePanels * kPanelKeys];
};

}  // namespace minference::cpu
