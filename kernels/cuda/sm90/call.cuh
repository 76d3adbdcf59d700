// What one launch of the Hopper kernel works on.
#pragma once

#include "../device_plan.h"
#include "../ptx/tma.cuh"

namespace minference::cuda::sm90 {

struct BatchEntry {
  int32_t past, rows;
};

struct Call {
  const DevicePlan* plans;
  Schedule schedule;
  const BatchEntry* batch;  // [batch]
  void* out;                // [batch, seqlen_q, num_heads, head_dim]
  float* lse;               // [batch, num_heads, seqlen_q] or null
  const float* head_sink;   // [num_heads] or null
  int64_t window;
  int32_t seqlen_q, num_heads, num_kv_heads;
  float sm_scale, softcap;
};

// Tensor maps, by value into kernel parameters. Boxes: 64 elements of kRows query rows, of kGranule keys, of kKeys keys.
struct Maps {
  ptx::TensorMap q;     // (head_dim, num_heads, seqlen_q, batch)
  ptx::TensorMap k, v;  // (head_dim, capacity, num_kv_heads, batch)
  ptx::TensorMap k_tile, v_tile;
};

}  // namespace minference::cuda::sm90
