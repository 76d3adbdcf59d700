#pragma once

#include <vector>

#include "../operands/packed_kv.h"

namespace minference::cpu {

// A head's single columns, gathered once into panels that all its row blocks share.
class PackedColumns {
 public:
  PackedColumns(const KernelTable& kernels, const HeadView& view, const std::vector<int32_t>& columns);

  int64_t panels() const { return panels_; }
  Panel panel(int64_t index) const;  // its positions hold kNoKey behind the last column

 private:
  int64_t panels_ = 0, key_size_ = 0, value_size_ = 0;
  std::vector<int32_t> positions_;
  AlignedBuffer<float> k_, v_;
};

}  // namespace minference::cpu
