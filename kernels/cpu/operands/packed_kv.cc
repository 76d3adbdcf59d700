#include "packed_kv.h"

#include <algorithm>

namespace minference::cpu {

PackedKv::PackedKv(const HeadView& view)
    : view_(view),
      panels_((view.total + kPanelKeys - 1) / kPanelKeys),
      d_pad_(padded_head_dim(view.d())),
      first_packed_value_(reads_values_in_place(view) ? view.total / kPanelKeys : 0),
      k_(panels_ * view.d() * kPanelKeys),
      v_((panels_ - first_packed_value_) * d_pad_ * kPanelKeys) {}

void PackedKv::pack(const KernelTable& kernels, int64_t begin, int64_t end) {
  for (int64_t p = begin; p < end; ++p) {
    const int64_t first = p * kPanelKeys, count = std::min(kPanelKeys, view_.total - first);
    const void* rows[kPanelKeys];
    for (int64_t i = 0; i < count; ++i) rows[i] = view_.key(first + i);
    kernels.pack_keys(rows, count, view_.half(), view_.d(), k_.data() + p * view_.d() * kPanelKeys);
    if (p < first_packed_value_) continue;
    for (int64_t i = 0; i < count; ++i) rows[i] = view_.value(first + i);
    kernels.pack_values(rows, count, view_.half(), view_.d(), d_pad_,
                        v_.data() + (p - first_packed_value_) * d_pad_ * kPanelKeys);
  }
}

Panel PackedKv::panel(int64_t index) const {
  const float* v = index < first_packed_value_ ? static_cast<const float*>(view_.value(index * kPanelKeys))
                                               : v_.data() + (index - first_packed_value_) * d_pad_ * kPanelKeys;
  return {k_.data() + index * view_.d() * kPanelKeys, v, nullptr, static_cast<int32_t>(index * kPanelKeys)};
}

int64_t PackedKv::bytes(const HeadView& view) {
  const int64_t row = reads_values_in_place(view) ? view.d() : view.d() + padded_head_dim(view.d());
  return view.total * row * static_cast<int64_t>(sizeof(float));
}

}  // namespace minference::cpu
