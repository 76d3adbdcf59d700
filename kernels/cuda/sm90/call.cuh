// What one launch of the Hopper kernel works on.
#pragma once

#include "../attention/work_queue.h"
#include "../device_plan.h"
#include "ptx/tma.cuh"

namespace minference::cuda::sm90 {

struct BatchEntry {
  int32_t past, rows;
};

struct Call {
  const DevicePlan* plans;
  WorkQueue queue;
  SpoiledItems spoiled;
  const BatchEntry* batch;  // [batch]
  void* out;                // [batch, seqlen_q, num_heads, head_dim]
  float* lse;               // [batch, num_heads, seqlen_q] or null
  const float* head_sink;   // [num_heads] or null
  int64_t window;
  int32_t seqlen_q, num_heads, num_kv_heads;
  float sm_scale, softcap;
  // Else one lane arrives at a barrier for its warp, after __syncwarp; racecheck does not follow that.
  bool every_lane_arrives;
};

// Of one tensor: boxes of 64 elements of kGranule rows, and of kKeys rows.
struct RowMaps {
  ptx::TensorMap granule, tile;
};

// Tensor maps, by value into kernel parameters. Boxes of queries: 64 elements of kRows rows.
struct Maps {
  ptx::TensorMap q;                    // (head_dim, num_heads, seqlen_q, batch)
  RowMaps keys, values;                // (head_dim, capacity, num_kv_heads, batch)
  RowMaps column_keys, column_values;  // GatheredColumns: (head_dim, rows, 1, 1)
};

}  // namespace minference::cuda::sm90
