// One call, by value to the kernel.
#pragma once

#include <cstdint>

#include "../attention/work_queue.h"

namespace minference::cuda::sm80 {

struct BatchEntry {
  int32_t past, rows;
};

struct Call {
  const void* q;
  const void* k;
  const void* v;
  void* out;
  float* lse;               // or null
  const float* head_sink;   // or null
  const BatchEntry* batch;  // device
  const DevicePlan* plans;
  WorkQueues queues;
  int64_t q_stride_batch, q_stride_seq, q_stride_head;
  int64_t capacity;
  int32_t seqlen_q, num_heads, num_kv_heads, head_dim;
  int32_t window;  // INT32_MAX: none
  // A score is `scale_log2` times q·k, or times what shape_scores makes of it.
  float scale_log2;
  bool is_shaped;
  float inner, cap;
};

}  // namespace minference::cuda::sm80
