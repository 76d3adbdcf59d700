// Node attributes shared by the attention ops.
#pragma once

#include <string>

#include "minference/params.h"
#include "ort.h"

namespace minference::ops {

struct AttentionAttributes {
  int64_t num_heads;
  int64_t num_kv_heads;
  float scale;  // 0 = 1 / sqrt(head_dim)
  float softcap;
  bool do_rotary;
  bool rotary_interleaved;
  int64_t local_window;
  bool reference;           // use the naive implementation
  KernelGeometry geometry;  // of the reference; zeros mean the optimized kernel's

  explicit AttentionAttributes(const Ort::ConstKernelInfo& info);
};

}  // namespace minference::ops
