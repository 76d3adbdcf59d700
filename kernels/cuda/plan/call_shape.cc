#include "call_shape.h"

#include <algorithm>
#include <stdexcept>

namespace minference::cuda {
namespace {

constexpr int64_t kMostKeyBlocks = 1 << 16;  // they are numbered in 16 bits

}  // namespace

CallShape::CallShape(const AttentionParams& params, const KernelGeometry& geometry)
    : params_(params), geometry_(geometry) {
  const AttentionShape& shape = params.shape;
  if (geometry.columns_in_place && geometry.block_n != kGranule) {
    throw std::invalid_argument("columns in place are taken in granules");
  }
  call_ = {.q = params.q,
           .k = params.k,
           .head_sink = params.head_sink,
           .q_stride_batch = params.q_stride_batch,
           .q_stride_seq = params.q_stride_seq,
           .q_stride_head = params.q_stride_head,
           .capacity = shape.capacity,
           .window = params.local_window,
           .num_heads = static_cast<int32_t>(shape.num_heads),
           .num_kv_heads = static_cast<int32_t>(shape.num_kv_heads),
           .head_dim = static_cast<int32_t>(shape.head_dim),
           .block_m = geometry.block_m,
           .block_n = geometry.block_n,
           .key_align = geometry.key_align,
           .blocks_per_item = geometry.blocks_per_item,
           .columns_in_place = geometry.columns_in_place,
           .sm_scale = params.sm_scale,
           .softcap = params.softcap};
  for (int64_t b = 0; b < shape.batch; ++b) {
    longest_ = std::max<int64_t>(longest_, int64_t{params.past_lens[b]} + params.new_lens[b]);
    most_rows_ = std::max<int64_t>(most_rows_, params.new_lens[b]);
  }
  longest_ = (longest_ + 31) / 32 * 32;
}

double CallShape::tile_flops() const {
  return 4.0 * geometry_.block_m * geometry_.block_n * static_cast<double>(head_dim());
}

CallSpan CallShape::span(int64_t head) const {
  const int64_t b = head / params_.shape.num_heads;
  return {params_.past_lens[b], params_.new_lens[b], params_.local_window};
}

int64_t CallShape::row_blocks(const Job& job) const {
  return (int64_t{job.rows} + geometry_.block_m - 1) / geometry_.block_m;
}

Job CallShape::make_job(const HeadPattern& pattern, int64_t head) const {
  const CallSpan own = span(head);
  Job job{};
  job.pattern = pattern;
  job.head = static_cast<int32_t>(head);
  job.past = static_cast<int32_t>(own.past);
  job.rows = static_cast<int32_t>(own.rows);
  job.dense_tiles = dense_tiles(own, geometry_);
  if (own.rows == 0 || surely_dense(costs_of(params_), pattern, own, geometry_, head_dim())) {
    job.pattern.kind = static_cast<int32_t>(PatternKind::kDense);
  }
  if (is(job, PatternKind::kBlockSparse) && pattern_blocks(own.total()) > kMostKeyBlocks) {
    throw std::invalid_argument("block_sparse takes contexts of up to 4,194,304 keys");
  }
  return job;
}

}  // namespace minference::cuda
