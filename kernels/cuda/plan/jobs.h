// What the index kernels work on, in device memory.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "../device_plan.h"
#include "minference/params.h"

namespace minference::cuda {

// The call, by value to every kernel.
struct PlanCall {
  const void* q;
  const void* k;
  const float* head_sink;  // or null
  int64_t q_stride_batch, q_stride_seq, q_stride_head;
  int64_t capacity, window;
  int32_t num_heads, num_kv_heads, head_dim;
  int32_t block_m, block_n, key_align, blocks_per_item;  // KernelGeometry
  bool columns_in_place;
  float sm_scale, softcap;
};

// Attention probabilities of the last kLastQ rows of one head, summed over keys and over distances.
struct EstimateSlot {
  int32_t head;  // batch * num_heads + head
  int32_t past, rows;
  float* columns;  // [past + rows], aligned and padded to 16 bytes, as slashes
  float* slashes;
  float2* partial;  // [segments, kLastQ]: maximum and sum of each row; then, in the first segment's place, of all
};

// Means of kPatternBlock rows, [ceil(rows / kPatternBlock), head_dim] of one head's queries or one cache head's keys.
struct PoolSlot {
  int32_t head;  // batch * num_heads + head, or batch * num_kv_heads + kv_head
  int32_t rows;
  bool is_key;
  float* means;
};

// One head with one pattern; `plans[i]` is made of `jobs[i]`.
struct Job {
  HeadPattern pattern;  // kDense if it covers the context; while fitting, the sizes tried now
  int32_t head;         // batch * num_heads + head
  int32_t past, rows;
  int32_t blocks_stride;
  int32_t column_row;          // DevicePlan's
  const float* column_scores;  // vertical_slash: an EstimateSlot's
  const float* slash_scores;
  int32_t* columns;  // room for a entries (within the context), as `slashes`, `runs` and `last_runs` for b
  int32_t* slashes;
  DiagonalRun* runs;
  DiagonalRun* last_runs;
  const float* query_means;  // block_sparse: PoolSlots'
  const float* key_means;
  float* block_scores;  // [query blocks of a strip, key blocks]
  uint16_t* key_blocks;
  int32_t* block_counts;   // [row blocks]
  int32_t* block_tiles;    // [row blocks]
  const KeyRange* ranges;  // explicit: DevicePlan's
  const int64_t* range_offsets;
  const int32_t* given_columns;
  const int64_t* column_offsets;
  int64_t dense_tiles;
};

}  // namespace minference::cuda
