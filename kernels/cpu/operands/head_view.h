#pragma once

#include "minference/params.h"

namespace minference::cpu {

// One query head of one batch entry.
struct HeadView {
  HeadView(const AttentionParams& params, int64_t batch, int64_t head)
      : params(&params),
        batch(batch),
        head(head),
        kv_head(head / (params.shape.num_heads / params.shape.num_kv_heads)),
        past(params.past_lens[batch]),
        rows(params.new_lens[batch]),
        total(past + rows) {}

  bool half() const { return params->dtype == DataType::kFloat16; }
  int64_t d() const { return params->shape.head_dim; }
  const void* query(int64_t row) const {
    return at(params->q, batch * params->q_stride_batch + row * params->q_stride_seq + head * params->q_stride_head);
  }
  const void* key(int64_t position) const { return at(params->k, cache_row(position)); }
  const void* value(int64_t position) const { return at(params->v, cache_row(position)); }
  void* out(int64_t row) const {
    return const_cast<void*>(
        at(params->out, ((batch * params->shape.seqlen_q + row) * params->shape.num_heads + head) * d()));
  }
  float* lse(int64_t row) const {
    return params->lse + (batch * params->shape.num_heads + head) * params->shape.seqlen_q + row;
  }

  const AttentionParams* params;
  int64_t batch, head, kv_head;
  int64_t past, rows, total;

 private:
  int64_t cache_row(int64_t position) const {
    return ((batch * params->shape.num_kv_heads + kv_head) * params->shape.capacity + position) * d();
  }
  const void* at(const void* data, int64_t element) const {
    return static_cast<const char*>(data) + element * (half() ? 2 : 4);
  }
};

}  // namespace minference::cpu
