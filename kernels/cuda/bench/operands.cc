#include "operands.h"

#include <cmath>

#include "random.h"

namespace minference::cuda::bench {
namespace {

size_t bytes_of(int64_t rows, int64_t heads, int64_t head_dim) {
  return static_cast<size_t>(rows * heads * head_dim) * sizeof(uint16_t);
}

int64_t new_rows(const Shape& s) { return s.rows == 0 ? s.tokens : s.rows; }

}  // namespace

Operands::Operands(const Shape& s, DataType dtype, cudaStream_t stream)
    : past_(static_cast<int32_t>(s.tokens - new_rows(s))),
      rows_(static_cast<int32_t>(new_rows(s))),
      q_(bytes_of(rows_, s.heads, s.head_dim)),
      k_(bytes_of(rows_, s.kv_heads, s.head_dim)),
      v_(bytes_of(rows_, s.kv_heads, s.head_dim)),
      rotated_(bytes_of(rows_, s.heads, s.head_dim)),
      keys_(bytes_of(s.tokens, s.kv_heads, s.head_dim)),
      values_(bytes_of(s.tokens, s.kv_heads, s.head_dim)),
      cos_(bytes_of(s.tokens, 1, s.head_dim / 2)),
      sin_(bytes_of(s.tokens, 1, s.head_dim / 2)),
      out_(bytes_of(rows_, s.heads, s.head_dim)),
      dense_(static_cast<size_t>(s.heads), HeadPattern{0, 0, 0, 0}) {
  uint64_t seed = 0;
  for (const auto& [block, rows, heads] :
       {std::tuple{&q_, int64_t{rows_}, s.heads}, std::tuple{&k_, int64_t{rows_}, s.kv_heads},
        std::tuple{&v_, int64_t{rows_}, s.kv_heads}, std::tuple{&keys_, s.tokens, s.kv_heads},
        std::tuple{&values_, s.tokens, s.kv_heads}}) {
    fill_normal(block->get(), rows * heads * s.head_dim, dtype, ++seed, stream);
  }
  // Angles of zero: the work is that of any others, and what is planted in queries and keys stays.
  fill_constant(cos_.get(), s.tokens * s.head_dim / 2, dtype, 1, stream);
  fill_constant(sin_.get(), s.tokens * s.head_dim / 2, dtype, 0, stream);

  const AttentionShape shape{1, rows_, s.heads, s.kv_heads, s.head_dim, s.tokens};
  rope_.shape = attention_.shape = shape;
  rope_.dtype = attention_.dtype = dtype;
  rope_.q = q_.get();
  rope_.k = k_.get();
  rope_.v = v_.get();
  rope_.q_stride_head = rope_.kv_stride_head = s.head_dim;
  rope_.q_stride_seq = s.heads * s.head_dim;
  rope_.kv_stride_seq = s.kv_heads * s.head_dim;
  rope_.q_stride_batch = rows_ * rope_.q_stride_seq;
  rope_.kv_stride_batch = rows_ * rope_.kv_stride_seq;
  rope_.q_rotated = rotated_.get();
  if (past_ > 0) {  // past and present share their buffers
    rope_.past_k = keys_.get();
    rope_.past_v = values_.get();
    rope_.past_capacity = s.tokens;
  }
  rope_.present_k = keys_.get();
  rope_.present_v = values_.get();
  rope_.past_lens = attention_.past_lens = &past_;
  rope_.new_lens = attention_.new_lens = &rows_;
  rope_.do_rotary = true;
  rope_.rotary_dim = s.head_dim;
  rope_.cos_cache = cos_.get();
  rope_.sin_cache = sin_.get();

  attention_.q = rotated_.get();
  attention_.q_stride_head = rope_.q_stride_head;
  attention_.q_stride_seq = rope_.q_stride_seq;
  attention_.q_stride_batch = rope_.q_stride_batch;
  attention_.k = keys_.get();
  attention_.v = values_.get();
  attention_.out = out_.get();
  attention_.sm_scale = 1 / std::sqrt(static_cast<float>(s.head_dim));
  attention_.local_window = -1;
  attention_.patterns = dense_.data();
}

AttentionParams Operands::attention(const std::vector<HeadPattern>& patterns) const {
  AttentionParams p = attention_;
  p.patterns = patterns.data();
  return p;
}

}  // namespace minference::cuda::bench
