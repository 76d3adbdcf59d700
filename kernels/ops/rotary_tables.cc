#include "rotary_tables.h"

#include <algorithm>

#include "checked_input.h"

namespace minference::ops {
namespace {

// Largest position of the rows that are no padding; -1 when there are none.
int64_t last_position(const RopeCacheParams& params) {
  int64_t last = -1;
  for (int64_t b = 0; b < params.shape.batch; ++b) {
    if (params.position_ids == nullptr) {
      if (params.new_lens[b] > 0) last = std::max<int64_t>(last, int64_t{params.past_lens[b]} + params.new_lens[b] - 1);
      continue;
    }
    for (int64_t r = 0; r < params.new_lens[b]; ++r) {
      const int64_t position = params.position_ids[b * params.shape.seqlen_q + r];
      expect(position >= 0, "expected position_ids >= 0, found " + std::to_string(position));
      last = std::max(last, position);
    }
  }
  return last;
}

}  // namespace

void read_rotary_tables(const Ort::KernelContext& context, RopeCacheParams& params) {
  const auto cos = required_input(context, kCosCache, "cos_cache (do_rotary is 1)");
  const auto sin = required_input(context, kSinCache, "sin_cache (do_rotary is 1)");
  const Shape table = shape_of(cos);
  expect(table.size() == 2 && table[1] > 0 && 2 * table[1] <= params.shape.head_dim,
         "expected cos_cache of shape [positions, 1 - " + std::to_string(params.shape.head_dim / 2) + "], found " +
             to_text(table));
  expect_shape("sin_cache", sin, table);
  params.rotary_dim = 2 * table[1];
  params.cos_cache = cos.GetTensorRawData();
  params.sin_cache = sin.GetTensorRawData();
  if (const auto positions = optional_input(context, kPositionIds)) {
    expect_shape("position_ids", positions, {params.shape.batch, params.shape.seqlen_q});
    params.position_ids = positions.GetTensorData<int64_t>();
  }
  const int64_t last = last_position(params);
  expect(last < table[0], "expected positions below the " + std::to_string(table[0]) + " rows of cos_cache, found " +
                              std::to_string(last));
}

}  // namespace minference::ops
