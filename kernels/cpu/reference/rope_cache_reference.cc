#include <vector>

#include "../../shared/check_params.h"
#include "reference.h"

namespace minference::cpu {
namespace {

using reference::load;
using reference::store;

// One head's vector of one token: element e of the rotated half is paired with e + rotary_dim / 2, or, interleaved,
// each even element with the next; (x, y) turns to (x cos - y sin, y cos + x sin).
std::vector<double> rotate(const RopeCacheParams& params, const void* data, int64_t offset, int64_t position) {
  std::vector<double> x(params.shape.head_dim);
  for (int64_t e = 0; e < params.shape.head_dim; ++e) x[e] = load(data, offset + e, params.dtype);
  if (!params.do_rotary) return x;
  const int64_t half = params.rotary_dim / 2;
  for (int64_t i = 0; i < half; ++i) {
    const int64_t first = params.rotary_interleaved ? 2 * i : i;
    const int64_t second = params.rotary_interleaved ? 2 * i + 1 : i + half;
    const double cos = load(params.cos_cache, position * half + i, params.dtype);
    const double sin = load(params.sin_cache, position * half + i, params.dtype);
    const double a = x[first], b = x[second];
    x[first] = a * cos - b * sin;
    x[second] = b * cos + a * sin;
  }
  return x;
}

}  // namespace

void rope_and_cache_reference(const RopeCacheParams& params) {
  contract::check_rope_cache(params);
  const AttentionShape& shape = params.shape;
  const int64_t d = shape.head_dim;
  const bool shared = params.past_k == params.present_k;
  for (int64_t b = 0; b < shape.batch; ++b) {
    const int64_t past = params.past_lens[b], rows = params.new_lens[b];
    const auto position = [&](int64_t r) {
      return params.position_ids != nullptr ? params.position_ids[b * shape.seqlen_q + r] : past + r;
    };
    for (int64_t h = 0; h < shape.num_heads && params.q_rotated != nullptr; ++h) {
      for (int64_t r = 0; r < shape.seqlen_q; ++r) {
        const int64_t from = b * params.q_stride_batch + r * params.q_stride_seq + h * params.q_stride_head;
        const std::vector<double> x = r < rows ? rotate(params, params.q, from, position(r)) : std::vector<double>(d);
        const int64_t to = ((b * shape.seqlen_q + r) * shape.num_heads + h) * d;
        for (int64_t e = 0; e < d; ++e) store(params.q_rotated, to + e, x[e], params.dtype);
      }
    }
    for (int64_t h = 0; h < shape.num_kv_heads; ++h) {
      const int64_t cache = (b * shape.num_kv_heads + h) * shape.capacity * d;
      const int64_t past_cache = (b * shape.num_kv_heads + h) * params.past_capacity * d;
      for (int64_t e = 0; e < past * d && !shared; ++e) {
        store(params.present_k, cache + e, load(params.past_k, past_cache + e, params.dtype), params.dtype);
        store(params.present_v, cache + e, load(params.past_v, past_cache + e, params.dtype), params.dtype);
      }
      for (int64_t r = 0; r < rows; ++r) {
        const int64_t from = b * params.kv_stride_batch + r * params.kv_stride_seq + h * params.kv_stride_head;
        const std::vector<double> k = rotate(params, params.k, from, position(r));
        for (int64_t e = 0; e < d; ++e) {
          store(params.present_k, cache + (past + r) * d + e, k[e], params.dtype);
          store(params.present_v, cache + (past + r) * d + e, load(params.v, from + e, params.dtype), params.dtype);
        }
      }
      // Rows past the end of a buffer that this call allocated hold zeros, never what the memory held before.
      for (int64_t e = (past + rows) * d; e < shape.capacity * d && !shared; ++e) {
        store(params.present_k, cache + e, 0.0, params.dtype);
        store(params.present_v, cache + e, 0.0, params.dtype);
      }
    }
  }
}

}  // namespace minference::cpu
