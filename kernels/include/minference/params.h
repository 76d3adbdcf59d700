// Plain structs that describe one launch: no ONNX Runtime, N-API or CUDA types.
#pragma once

#include <cstdint>
#include <functional>

#include "minference/costs.h"
#include "minference/counters.h"
#include "minference/pattern.h"
#include "minference/sparse_index.h"

namespace minference {

enum class DataType : int32_t { kFloat32 = 0, kFloat16 = 1, kBFloat16 = 2 };

// What a kernel computes at once. A key range [a, b) of a row block is rounded outward to multiples of `key_align`
// (absolute key positions, clipped to the keys the block's last row sees); everything inside is computed, causally
// masked. Cost is counted in tiles of block_m x block_n: ceil(length / block_n) per merged range, and ceil(columns /
// block_n) for the columns outside the ranges. A kernel that takes the head's columns in place, as many at a time as a
// tile has keys, counts those pieces of the list of which the row block computes at least one column.
struct KernelGeometry {
  int32_t block_m = 64;         // query rows per block; a multiple of kPatternBlock
  int32_t block_n = 64;         // keys per tile
  int32_t key_align = 1;        // granularity to which ranges are rounded
  int32_t blocks_per_item = 1;  // neighbouring row blocks that share what is loaded; of no effect on what is computed
  bool columns_in_place = false;
};

// Runs fn(0) … fn(count - 1), possibly in parallel, and returns when all are done.
using ParallelFor = std::function<void(int64_t count, const std::function<void(int64_t)>& fn)>;

struct AttentionShape {
  int64_t batch;
  int64_t seqlen_q;  // rows of this call (padded, when lengths differ within the batch)
  int64_t num_heads;
  int64_t num_kv_heads;  // divides num_heads
  int64_t head_dim;
  int64_t capacity;  // rows of the present buffers, >= every total length
};

// Attention of one call over a cache that already holds this call's keys and values.
struct AttentionParams {
  AttentionShape shape;
  DataType dtype;

  const void* q;  // [batch, seqlen_q, num_heads, head_dim], rotated; strides in elements below
  int64_t q_stride_batch;
  int64_t q_stride_seq;
  int64_t q_stride_head;
  const void* k;  // [batch, num_kv_heads, capacity, head_dim]
  const void* v;  // [batch, num_kv_heads, capacity, head_dim]
  void* out;      // [batch, seqlen_q, num_heads, head_dim], contiguous
  // [batch, num_heads, seqlen_q], natural log over the keys alone (head_sink not included), -inf for rows without keys;
  // may be null.
  float* lse;

  // Host arrays [batch]. Row r of batch b sits at absolute position past_lens[b] + r and sees keys 0 … that position.
  // Rows r >= new_lens[b] are padding: out = 0, lse = -inf.
  const int32_t* past_lens;
  const int32_t* new_lens;

  float sm_scale;          // multiplies q·k
  float softcap;           // 0 = none; otherwise s = softcap * tanh(s / softcap)
  int64_t local_window;    // row i sees only keys j > i - local_window; < 0 = no window
  const float* head_sink;  // [num_heads] extra logit in the softmax denominator, or null

  const HeadPattern* patterns;  // [num_heads], host
  // Of explicit heads, host: by row blocks of kPatternBlock rows of this call, whose batch is 1. Ranges may touch, and
  // ranges and columns may overlap.
  const HeadIndex* indices = nullptr;
  int64_t num_indices = 0;
  // By which heads fall back to dense; null = the device's defaults.
  const CostModel* costs = nullptr;
  // To which the call adds index_ns and tiles; null = nobody counts.
  Counters* counters = nullptr;
};

// Rotary embedding and cache write: done before attention, in one pass.
struct RopeCacheParams {
  AttentionShape shape;
  DataType dtype;
  const void* q;  // strides in elements; packed QKV is expressed by strides
  const void* k;
  const void* v;
  int64_t q_stride_batch, q_stride_seq, q_stride_head;
  int64_t kv_stride_batch, kv_stride_seq, kv_stride_head;
  void* q_rotated;     // [batch, seqlen_q, num_heads, head_dim] contiguous; padding rows are zero; null = skip q
  const void* past_k;  // [batch, num_kv_heads, past_capacity, head_dim] or null; equal to present_k when shared
  const void* past_v;
  int64_t past_capacity;
  void* present_k;  // [batch, num_kv_heads, capacity, head_dim]
  void* present_v;
  const int32_t* past_lens;  // host [batch]
  const int32_t* new_lens;   // host [batch]
  bool do_rotary;
  bool rotary_interleaved;
  int64_t rotary_dim;     // <= head_dim; the rest passes through
  const void* cos_cache;  // [max_position, rotary_dim / 2], dtype; positions are not checked here
  const void* sin_cache;
  const int64_t* position_ids;  // [batch, seqlen_q] host, or null: past_lens[b] + r
};

// Candidates scored against dense attention of the same call; `attention.out`, `.lse` receive the dense result.
struct ProbeParams {
  AttentionParams attention;      // batch must be 1; `patterns` is ignored
  const HeadPattern* candidates;  // host: [num_candidates], the same for every head, or [num_heads, num_candidates]
  int64_t num_candidates;
  bool per_head;        // candidates are [num_heads, num_candidates]
  double budget_flops;  // per head; used by candidates with a fit flag
  float* scores;        // [num_heads, num_candidates, kScoreFields]

  const HeadPattern& candidate(int64_t head, int64_t c) const {
    return candidates[(per_head ? head * num_candidates : 0) + c];
  }
};

}  // namespace minference
