#pragma once

#include "../simd/kernel_table.h"
#include "aligned_buffer.h"
#include "head_view.h"

namespace minference::cpu {

// Keys and values of one KV head, packed once per call and shared by all its query heads and row blocks. Values of
// float32 caches whose head_dim needs no padding are read where they are, except the last, incomplete panel.
class PackedKv {
 public:
  // `view` is any query head of the KV head. Allocates only: pack() fills.
  explicit PackedKv(const HeadView& view);

  int64_t panels() const { return panels_; }
  // Packs panels [begin, end).
  void pack(const KernelTable& kernels, int64_t begin, int64_t end);

  const float* keys() const { return k_.data(); }  // [panels][d][16]
  Panel panel(int64_t index) const;

  static int64_t bytes(const HeadView& view);

 private:
  static bool reads_values_in_place(const HeadView& view) { return !view.half() && view.d() % kPanelKeys == 0; }

  HeadView view_;
  int64_t panels_, d_pad_, first_packed_value_;
  AlignedBuffer<float> k_, v_;
};

inline int64_t padded_head_dim(int64_t d) { return (d + kPanelKeys - 1) / kPanelKeys * kPanelKeys; }

}  // namespace minference::cpu
