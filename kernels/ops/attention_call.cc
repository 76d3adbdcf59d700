#include "attention_call.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "rotary_tables.h"

namespace minference::ops {

AttentionCall::AttentionCall(Ort::KernelContext& context, const AttentionAttributes& attributes, DataType dtype,
                             OutputSet outputs, Scratch memory)
    : shape{}, rope{}, attention{}, sink(nullptr), scratch(std::move(memory)) {
  expect(!optional_input(context, kAttentionBias),
         "expected no attention_bias: the sparse patterns are defined for causal attention without a bias");
  rope.dtype = attention.dtype = dtype;
  read_projections(context, attributes);
  lengths_ = read_sequence_lengths(context, shape.batch, shape.seqlen_q);
  rope.past_lens = attention.past_lens = lengths_.past.data();
  rope.new_lens = attention.new_lens = lengths_.now.data();
  read_past(context);
  shape.capacity = std::max(rope.past_capacity, lengths_.total);
  rope.shape = attention.shape = shape;
  rope.do_rotary = attributes.do_rotary;
  rope.rotary_interleaved = attributes.rotary_interleaved;
  if (attributes.do_rotary) read_rotary_tables(context, rope);
  read_sink(context);
  attention.sm_scale = attributes.scale != 0.f ? attributes.scale : 1.f / std::sqrt(static_cast<float>(shape.head_dim));
  attention.softcap = attributes.softcap;
  attention.local_window = attributes.local_window;
  set_query(attributes);
  allocate_outputs(context, outputs);
}

// query, key and value, or all three packed in query: [B, S, (H + 2·Hkv)·D].
void AttentionCall::read_projections(const Ort::KernelContext& context, const AttentionAttributes& attributes) {
  const auto query = required_input(context, kQuery, "query");
  const auto key = optional_input(context, kKey);
  const auto value = optional_input(context, kValue);
  const int64_t h_q = attributes.num_heads, h_kv = attributes.num_kv_heads;
  const Shape q = shape_of(query);
  expect(q.size() == 3, "expected query of shape [batch, sequence, hidden], found " + to_text(q));
  expect(static_cast<bool>(key) == static_cast<bool>(value),
         "expected both key and value, or neither (query, key and value packed in query)");
  const bool packed = !key;
  const int64_t heads = packed ? h_q + 2 * h_kv : h_q;
  expect(q[2] > 0 && q[2] % heads == 0,
         std::string("expected the last dimension of ") + (packed ? "the packed query" : "query") +
             " to be a multiple of " + std::to_string(heads) + " (" +
             (packed ? "num_heads + 2 * kv_num_heads" : "num_heads") + "), found " + to_text(q));
  const int64_t d = q[2] / heads;
  shape = {q[0], q[1], h_q, h_kv, d, 0};
  if (!packed) {
    expect_shape("key", key, {q[0], q[1], h_kv * d});
    expect_shape("value", value, {q[0], q[1], h_kv * d});
  }
  const auto* base = static_cast<const std::byte*>(query.GetTensorRawData());
  const size_t head_bytes = static_cast<size_t>(d) * element_bytes(rope.dtype);
  rope.q = base;
  rope.k = packed ? base + h_q * head_bytes : key.GetTensorRawData();
  rope.v = packed ? base + (h_q + h_kv) * head_bytes : value.GetTensorRawData();
  rope.q_stride_head = rope.kv_stride_head = d;
  rope.q_stride_seq = q[2];
  rope.q_stride_batch = q[1] * q[2];
  rope.kv_stride_seq = packed ? q[2] : h_kv * d;
  rope.kv_stride_batch = q[1] * rope.kv_stride_seq;
}

void AttentionCall::read_past(const Ort::KernelContext& context) {
  const auto key = optional_input(context, kPastKey);
  const auto value = optional_input(context, kPastValue);
  expect(static_cast<bool>(key) == static_cast<bool>(value), "expected both past_key and past_value, or neither");
  if (key) {
    const Shape past = shape_of(key);
    rope.past_capacity = past.size() == 4 ? past[2] : 0;
    const Shape expected{shape.batch, shape.num_kv_heads, rope.past_capacity, shape.head_dim};
    expect_shape("past_key", key, expected);
    expect_shape("past_value", value, expected);
    rope.past_k = key.GetTensorRawData();
    rope.past_v = value.GetTensorRawData();
  }
  const auto longest = std::max_element(lengths_.past.begin(), lengths_.past.end());
  expect(longest == lengths_.past.end() || *longest <= rope.past_capacity,
         "expected past_key with the " + std::to_string(longest == lengths_.past.end() ? 0 : *longest) +
             " rows that seqlens_k tells of, found " + std::to_string(rope.past_capacity));
}

void AttentionCall::read_sink(const Ort::KernelContext& context) {
  const auto input = optional_input(context, kHeadSink);
  if (!input) return;
  expect_shape("head_sink", input, {shape.num_heads});
  sink = input.GetTensorRawData();
}

// Without rotary embedding the kernels read query where it is.
void AttentionCall::set_query(const AttentionAttributes& attributes) {
  if (!attributes.do_rotary) {
    attention.q = rope.q;
    attention.q_stride_batch = rope.q_stride_batch;
    attention.q_stride_seq = rope.q_stride_seq;
    attention.q_stride_head = rope.q_stride_head;
    return;
  }
  const int64_t row = shape.num_heads * shape.head_dim;
  rope.q_rotated =
      scratch.allocate(static_cast<size_t>(shape.batch * shape.seqlen_q * row) * element_bytes(attention.dtype));
  attention.q = rope.q_rotated;
  attention.q_stride_batch = shape.seqlen_q * row;
  attention.q_stride_seq = row;
  attention.q_stride_head = shape.head_dim;
}

void AttentionCall::allocate_outputs(Ort::KernelContext& context, OutputSet outputs) {
  const auto allocate = [&](OutputIndex index, const Shape& dims) {
    if (outputs == OutputSet::kAttention) {
      if (auto output = context.GetOutput(index, dims)) return output.GetTensorMutableRawData();
    }
    size_t bytes = element_bytes(attention.dtype);
    for (int64_t dim : dims) bytes *= static_cast<size_t>(dim);
    return scratch.allocate(bytes);
  };
  const Shape present{shape.batch, shape.num_kv_heads, shape.capacity, shape.head_dim};
  rope.present_k = allocate(kPresentKey, present);
  rope.present_v = allocate(kPresentValue, present);
  attention.k = rope.present_k;
  attention.v = rope.present_v;
  expect(rope.past_capacity == 0 || (rope.past_k == rope.present_k) == (rope.past_v == rope.present_v),
         "expected present_key and present_value both in the buffers of the past, or neither");
  if (outputs == OutputSet::kNone) return;
  attention.out = allocate(kOutput, {shape.batch, shape.seqlen_q, shape.num_heads * shape.head_dim});
}

}  // namespace minference::ops
