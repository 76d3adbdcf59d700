#include "check_params.h"

#include <limits>
#include <stdexcept>
#include <string>

#include "check_indices.h"

namespace minference::contract {
namespace {

// Keys are addressed by int32, with room for rounding a position up to a panel.
constexpr int64_t kMaxContext = std::numeric_limits<int32_t>::max() - 1024;

void require(bool holds, const std::string& message) {
  if (!holds) throw std::invalid_argument(message);
}

void check_shape(const AttentionShape& shape, DataType dtype, const int32_t* past_lens, const int32_t* new_lens) {
  require(shape.batch >= 0 && shape.seqlen_q >= 0, "expected batch and seqlen_q >= 0");
  require(shape.num_heads > 0 && shape.num_kv_heads > 0 && shape.num_heads % shape.num_kv_heads == 0,
          "expected num_kv_heads to divide num_heads, found " + std::to_string(shape.num_heads) + " and " +
              std::to_string(shape.num_kv_heads));
  require(shape.head_dim > 0, "expected head_dim > 0, found " + std::to_string(shape.head_dim));
  require(
      shape.capacity >= 0 && shape.capacity <= kMaxContext,
      "expected a cache of at most " + std::to_string(kMaxContext) + " rows, found " + std::to_string(shape.capacity));
  require(dtype == DataType::kFloat32 || dtype == DataType::kFloat16,
          "the CPU kernels take float32 and float16, found dtype " + std::to_string(static_cast<int32_t>(dtype)));
  for (int64_t b = 0; b < shape.batch; ++b) {
    require(past_lens[b] >= 0 && new_lens[b] >= 0 && new_lens[b] <= shape.seqlen_q,
            "expected 0 <= new length <= seqlen_q and past length >= 0, found " + std::to_string(new_lens[b]) +
                " and " + std::to_string(past_lens[b]) + " in batch entry " + std::to_string(b));
    require(int64_t{past_lens[b]} + new_lens[b] <= shape.capacity,
            "expected past + new length within the cache of " + std::to_string(shape.capacity) + " rows, found " +
                std::to_string(int64_t{past_lens[b]} + new_lens[b]) + " in batch entry " + std::to_string(b));
  }
}

}  // namespace

void check_pattern(const HeadPattern& pattern, PatternKind last_kind) {
  const auto last = static_cast<int32_t>(last_kind);
  require(pattern.kind >= static_cast<int32_t>(PatternKind::kDense) && pattern.kind <= last,
          "expected a pattern kind from 0 to " + std::to_string(last) + ", found " + std::to_string(pattern.kind));
  require(pattern.a >= 0 && pattern.b >= 0,
          "expected pattern sizes >= 0, found " + std::to_string(pattern.a) + " and " + std::to_string(pattern.b));
}

void check_geometry(const KernelGeometry& geometry) {
  require(geometry.block_m > 0 && geometry.block_m % kPatternBlock == 0,
          "expected block_m to be a positive multiple of 64, found " + std::to_string(geometry.block_m));
  require(geometry.block_n > 0 && geometry.key_align > 0, "expected block_n and key_align > 0");
}

void check_attention(const AttentionParams& params, bool with_patterns) {
  check_shape(params.shape, params.dtype, params.past_lens, params.new_lens);
  if (!with_patterns) return;
  require(params.patterns != nullptr, "expected one pattern per head, found none");
  for (int64_t h = 0; h < params.shape.num_heads; ++h) check_pattern(params.patterns[h], PatternKind::kExplicit);
  check_indices(params);
}

void check_rope_cache(const RopeCacheParams& params) {
  check_shape(params.shape, params.dtype, params.past_lens, params.new_lens);
  require(!params.do_rotary ||
              (params.rotary_dim > 0 && params.rotary_dim % 2 == 0 && params.rotary_dim <= params.shape.head_dim),
          "expected an even rotary_dim of at most head_dim, found " + std::to_string(params.rotary_dim));
  for (int64_t b = 0; b < params.shape.batch; ++b) {
    require(params.past_k == nullptr ? params.past_lens[b] == 0 : params.past_lens[b] <= params.past_capacity,
            "expected the past to hold " + std::to_string(params.past_lens[b]) + " rows in batch entry " +
                std::to_string(b));
  }
}

void check_probe(const ProbeParams& params) {
  check_attention(params.attention, false);
  require(params.attention.shape.batch == 1,
          "AttentionProbe takes one sequence, found a batch of " + std::to_string(params.attention.shape.batch));
  require(params.num_candidates >= 0, "expected num_candidates >= 0");
  const int64_t count = params.num_candidates * (params.per_head ? params.attention.shape.num_heads : 1);
  for (int64_t c = 0; c < count; ++c) check_pattern(params.candidates[c]);
}

void check_head(const AttentionParams& params, int64_t batch, int64_t head) {
  require(batch >= 0 && batch < params.shape.batch && head >= 0 && head < params.shape.num_heads,
          "expected a batch entry and a head of this call, found " + std::to_string(batch) + " and " +
              std::to_string(head));
}

}  // namespace minference::contract
