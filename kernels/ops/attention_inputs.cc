#include "attention_inputs.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace minference::ops {
namespace {

using Shape = std::vector<int64_t>;

std::string text(const Shape& shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i) out += (i ? ", " : "") + std::to_string(shape[i]);
  return out + "]";
}

Ort::ConstValue input(const Ort::KernelContext& context, size_t index) {
  return index < context.GetInputCount() ? context.GetInput(index) : Ort::ConstValue{nullptr};
}

Shape shape_of(const Ort::ConstValue& value) { return value.GetTensorTypeAndShapeInfo().GetShape(); }

void expect_shape(const char* name, const Ort::ConstValue& value, const Shape& expected) {
  const Shape found = shape_of(value);
  if (found != expected) {
    throw std::invalid_argument(std::string("expected ") + name + " of shape " + text(expected) + ", found " + text(found));
  }
}

size_t element_bytes(DataType dtype) { return dtype == DataType::kFloat32 ? 4 : 2; }

}  // namespace

ParallelFor parallel_for(OrtKernelContext* context) {
  return [context](int64_t count, const std::function<void(int64_t)>& fn) {
    if (count <= 0) return;
    // Number of batches 0: one task per index, so that long and short ones balance.
    Ort::KernelContext(context).ParallelFor(
        [](void* user, size_t i) { (*static_cast<const std::function<void(int64_t)>*>(user))(static_cast<int64_t>(i)); },
        static_cast<size_t>(count), 0, const_cast<void*>(static_cast<const void*>(&fn)));
  };
}

AllocateOutput op_outputs(Ort::KernelContext& context) {
  return [&context](OutputIndex index, const Shape& shape) {
    return context.GetOutput(index, shape).GetTensorMutableRawData();
  };
}

AttentionCall::AttentionCall(Ort::KernelContext& context, const AttentionAttributes& attributes, DataType dtype,
                             const AllocateOutput& allocate) {
  const auto query = input(context, kQuery);
  const Shape q = shape_of(query);
  if (q.size() != 3) throw std::invalid_argument("expected query of 3 dimensions [B, S, hidden], found " + text(q));
  if (input(context, kAttentionBias)) {
    throw std::invalid_argument("expected no attention_bias: sparse patterns are defined for causal attention only");
  }
  const auto key = input(context, kKey);
  const auto value = input(context, kValue);
  if (static_cast<bool>(key) != static_cast<bool>(value)) {
    throw std::invalid_argument("expected both key and value, or neither (packed QKV in query)");
  }
  const int64_t heads_in_query = key ? attributes.num_heads : attributes.num_heads + 2 * attributes.num_kv_heads;
  if (q[2] % heads_in_query != 0 || q[2] == 0) {
    throw std::invalid_argument("expected the last dimension of query to be a multiple of " +
                                std::to_string(heads_in_query) + " heads, found " + std::to_string(q[2]));
  }
  const int64_t d = q[2] / heads_in_query;
  shape = {q[0], q[1], attributes.num_heads, attributes.num_kv_heads, d, 0};
  const int64_t kv_hidden = attributes.num_kv_heads * d;
  if (key) {
    expect_shape("key", key, {q[0], q[1], kv_hidden});
    expect_shape("value", value, {q[0], q[1], kv_hidden});
  }
  read_lengths(context);

  rope = {};
  rope.dtype = dtype;
  rope.q_stride_batch = q[1] * q[2];
  rope.q_stride_seq = q[2];
  rope.q_stride_head = d;
  const auto* base = static_cast<const std::byte*>(query.GetTensorRawData());
  const size_t bytes = element_bytes(dtype);
  rope.q = base;
  rope.k = key ? key.GetTensorRawData() : base + attributes.num_heads * d * bytes;
  rope.v = key ? value.GetTensorRawData() : base + (attributes.num_heads + attributes.num_kv_heads) * d * bytes;
  rope.kv_stride_seq = key ? kv_hidden : q[2];
  rope.kv_stride_batch = q[1] * rope.kv_stride_seq;
  rope.kv_stride_head = d;
  rope.do_rotary = attributes.do_rotary;
  rope.rotary_interleaved = attributes.rotary_interleaved;
  read_caches(context, attributes, allocate);
  q_rotated_.resize(static_cast<size_t>(q[0] * q[1] * attributes.num_heads * d) * bytes);
  rope.q_rotated = q_rotated_.data();
  rope.past_lens = past_lens_.data();
  rope.new_lens = new_lens_.data();
  rope.shape = shape;

  attention = {};
  attention.shape = shape;
  attention.dtype = dtype;
  attention.q = q_rotated_.data();
  attention.q_stride_batch = q[1] * attributes.num_heads * d;
  attention.q_stride_seq = attributes.num_heads * d;
  attention.q_stride_head = d;
  attention.k = rope.present_k;
  attention.v = rope.present_v;
  attention.out = allocate(kOutput, Shape{q[0], q[1], attributes.num_heads * d});
  attention.past_lens = past_lens_.data();
  attention.new_lens = new_lens_.data();
  attention.sm_scale = attributes.scale != 0.f ? attributes.scale : 1.f / std::sqrt(static_cast<float>(d));
  attention.softcap = attributes.softcap;
  attention.local_window = attributes.local_window;
  read_sink(context);
  read_patterns(context);
}

void AttentionCall::read_lengths(Ort::KernelContext& context) {
  const auto seqlens = input(context, kSeqlensK);
  const auto total = input(context, kTotalSequenceLength);
  if (!seqlens || !total) throw std::invalid_argument("expected inputs seqlens_k and total_sequence_length");
  if (seqlens.GetTensorTypeAndShapeInfo().GetElementCount() != static_cast<size_t>(shape.batch)) {
    throw std::invalid_argument("expected seqlens_k with one entry per batch row (" + std::to_string(shape.batch) + ")");
  }
  if (total.GetTensorTypeAndShapeInfo().GetElementCount() != 1) {
    throw std::invalid_argument("expected total_sequence_length to be a scalar");
  }
  total_ = *total.GetTensorData<int32_t>();
  if (total_ < shape.seqlen_q) {
    throw std::invalid_argument("expected total_sequence_length >= the " + std::to_string(shape.seqlen_q) +
                                " rows of query, found " + std::to_string(total_));
  }
  // As com.microsoft.GroupQueryAttention: in the first prompt rows are padded on the right up to the longest one;
  // afterwards every batch row brings all of its new rows.
  const bool first_prompt = total_ == shape.seqlen_q;
  for (int64_t b = 0; b < shape.batch; ++b) {
    const int64_t length = static_cast<int64_t>(seqlens.GetTensorData<int32_t>()[b]) + 1;
    const int64_t past = first_prompt ? 0 : length - shape.seqlen_q;
    if (past < 0 || length < 0 || length > total_) {
      throw std::invalid_argument("seqlens_k[" + std::to_string(b) + "] = " + std::to_string(length - 1) +
                                  " contradicts " + std::to_string(shape.seqlen_q) + " new rows and a total of " +
                                  std::to_string(total_));
    }
    past_lens_.push_back(static_cast<int32_t>(past));
    new_lens_.push_back(static_cast<int32_t>(length - past));
  }
}

void AttentionCall::read_caches(Ort::KernelContext& context, const AttentionAttributes& attributes,
                                const AllocateOutput& allocate) {
  const auto past_key = input(context, kPastKey);
  const auto past_value = input(context, kPastValue);
  if (static_cast<bool>(past_key) != static_cast<bool>(past_value)) {
    throw std::invalid_argument("expected both past_key and past_value, or neither");
  }
  if (past_key) {
    const Shape past = shape_of(past_key);
    rope.past_capacity = past.size() == 4 ? past[2] : -1;
    expect_shape("past_key", past_key, {shape.batch, shape.num_kv_heads, rope.past_capacity, shape.head_dim});
    expect_shape("past_value", past_value, {shape.batch, shape.num_kv_heads, rope.past_capacity, shape.head_dim});
    rope.past_k = past_key.GetTensorRawData();
    rope.past_v = past_value.GetTensorRawData();
  }
  for (int32_t past : past_lens_) {
    if (past > rope.past_capacity) {
      throw std::invalid_argument("expected a past of at least " + std::to_string(past) + " rows, found " +
                                  std::to_string(rope.past_capacity));
    }
  }
  shape.capacity = std::max(rope.past_capacity, total_);
  const Shape present{shape.batch, shape.num_kv_heads, shape.capacity, shape.head_dim};
  rope.present_k = allocate(kPresentKey, present);
  rope.present_v = allocate(kPresentValue, present);
  if (!attributes.do_rotary) return;

  const auto cos = input(context, kCosCache);
  const auto sin = input(context, kSinCache);
  if (!cos || !sin) throw std::invalid_argument("expected cos_cache and sin_cache with do_rotary = 1");
  const Shape table = shape_of(cos);
  if (table.size() != 2 || table[1] * 2 > shape.head_dim) {
    throw std::invalid_argument("expected cos_cache [positions, <= head_dim / 2], found " + text(table));
  }
  expect_shape("sin_cache", sin, table);
  rope.rotary_dim = 2 * table[1];
  rope.cos_cache = cos.GetTensorRawData();
  rope.sin_cache = sin.GetTensorRawData();
  int64_t last_position = total_ - 1;
  if (const auto positions = input(context, kPositionIds)) {
    expect_shape("position_ids", positions, {shape.batch, shape.seqlen_q});
    rope.position_ids = positions.GetTensorData<int64_t>();
    last_position = -1;
    for (int64_t i = 0; i < shape.batch * shape.seqlen_q; ++i) {
      if (rope.position_ids[i] < 0) throw std::invalid_argument("expected position_ids >= 0");
      last_position = std::max(last_position, rope.position_ids[i]);
    }
  }
  if (last_position >= table[0]) {
    throw std::invalid_argument("position " + std::to_string(last_position) + " lies beyond the " +
                                std::to_string(table[0]) + " rows of cos_cache");
  }
}

void AttentionCall::read_sink(Ort::KernelContext& context) {
  const auto sink = input(context, kHeadSink);
  if (!sink) return;
  expect_shape("head_sink", sink, {shape.num_heads});
  for (int64_t h = 0; h < shape.num_heads; ++h) {
    sink_.push_back(attention.dtype == DataType::kFloat32 ? sink.GetTensorData<float>()[h]
                                                          : sink.GetTensorData<Ort::Float16_t>()[h].ToFloat());
  }
  attention.head_sink = sink_.data();
}

void AttentionCall::read_patterns(Ort::KernelContext& context) {
  const auto rows = input(context, kPatterns);
  if (!rows) throw std::invalid_argument("expected an int32 input with one pattern per row");
  const Shape found = shape_of(rows);
  if (found.size() != 2 || found[1] != 4) {
    throw std::invalid_argument("expected patterns of shape [rows, 4], found " + text(found));
  }
  const auto* data = reinterpret_cast<const HeadPattern*>(rows.GetTensorData<int32_t>());
  patterns.assign(data, data + found[0]);
  for (const HeadPattern& p : patterns) {
    if (p.kind < 0 || p.kind > static_cast<int32_t>(PatternKind::kBlockSparse) || p.a < 0 || p.b < 0) {
      throw std::invalid_argument("expected pattern rows {kind 0-3, a >= 0, b >= 0, flags}, found {" +
                                  std::to_string(p.kind) + ", " + std::to_string(p.a) + ", " + std::to_string(p.b) +
                                  ", " + std::to_string(p.flags) + "}");
    }
  }
}

}  // namespace minference::ops
