#include "packed_columns.h"

#include <algorithm>

namespace minference::cpu {

PackedColumns::PackedColumns(const KernelTable& kernels, const HeadView& view, const std::vector<int32_t>& columns)
    : panels_((static_cast<int64_t>(columns.size()) + kPanelKeys - 1) / kPanelKeys),
      key_size_(view.d() * kPanelKeys),
      value_size_(padded_head_dim(view.d()) * kPanelKeys),
      positions_(panels_ * kPanelKeys, kNoKey),
      k_(panels_ * key_size_),
      v_(panels_ * value_size_) {
  std::copy(columns.begin(), columns.end(), positions_.begin());
  for (int64_t p = 0; p < panels_; ++p) {
    const int32_t* positions = positions_.data() + p * kPanelKeys;
    const void* keys[kPanelKeys];
    const void* values[kPanelKeys];
    int64_t count = 0;
    for (; count < kPanelKeys && positions[count] != kNoKey; ++count) {
      keys[count] = view.key(positions[count]);
      values[count] = view.value(positions[count]);
    }
    kernels.pack_keys(keys, count, view.half(), view.d(), k_.data() + p * key_size_);
    kernels.pack_values(values, count, view.half(), view.d(), padded_head_dim(view.d()), v_.data() + p * value_size_);
  }
}

Panel PackedColumns::panel(int64_t index) const {
  const int32_t* positions = positions_.data() + index * kPanelKeys;
  return {k_.data() + index * key_size_, v_.data() + index * value_size_, positions, positions[0]};
}

}  // namespace minference::cpu
