#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "../common/device.h"
#include "../common/dtype.cuh"
#include "../plan/upload.h"
#include "attend_sm90.h"
#include "kernel.cuh"

namespace minference::cuda {
namespace {

using namespace sm90;

void check_alignment(const AttentionParams& p) {
  for (const void* pointer : {p.q, p.k, p.v, static_cast<const void*>(p.out)}) {
    if (reinterpret_cast<uintptr_t>(pointer) % 16 != 0) {
      throw std::invalid_argument("queries, keys, values and output must be aligned to 16 bytes");
    }
  }
  for (const int64_t stride : {p.q_stride_batch, p.q_stride_seq, p.q_stride_head}) {
    if (stride % 8 != 0) throw std::invalid_argument("strides of the queries must be multiples of 8 elements");
  }
}

ptx::TensorMap query_map(const AttentionParams& p) {
  const AttentionShape& s = p.shape;
  const auto size = [](int64_t n) { return static_cast<uint64_t>(n); };
  const uint64_t dims[4] = {size(s.head_dim), size(s.num_heads), size(s.seqlen_q), size(s.batch)};
  // A stride that no index uses may be anything, but not zero.
  const auto bytes = [](int64_t stride, int64_t count) {
    return static_cast<uint64_t>(count > 1 ? stride * int64_t{sizeof(uint16_t)} : 16);
  };
  const uint64_t strides[3] = {bytes(p.q_stride_head, s.num_heads), bytes(p.q_stride_seq, s.seqlen_q),
                               bytes(p.q_stride_batch, s.batch)};
  const uint32_t box[4] = {64, 1, kRows, 1};
  return ptx::make_tensor_map(p.dtype, p.q, 4, dims, strides, box);
}

// base: [batch, heads, rows, head_dim]
RowMaps row_maps(const AttentionParams& p, const void* base, int64_t rows, int64_t heads, int64_t batch) {
  const uint64_t dims[4] = {static_cast<uint64_t>(p.shape.head_dim), static_cast<uint64_t>(rows),
                            static_cast<uint64_t>(heads), static_cast<uint64_t>(batch)};
  const uint64_t row = dims[0] * sizeof(uint16_t);
  const uint64_t strides[3] = {row, row * dims[1], row * dims[1] * dims[2]};
  const uint32_t granule[4] = {64, kGranule, 1, 1}, tile[4] = {64, kKeys, 1, 1};
  return {ptx::make_tensor_map(p.dtype, base, 4, dims, strides, granule),
          ptx::make_tensor_map(p.dtype, base, 4, dims, strides, tile)};
}

Maps make_maps(const AttentionParams& p, const GatheredColumns& columns) {
  const AttentionShape& s = p.shape;
  Maps maps{.q = query_map(p),
            .keys = row_maps(p, p.k, s.capacity, s.num_kv_heads, s.batch),
            .values = row_maps(p, p.v, s.capacity, s.num_kv_heads, s.batch),
            .column_keys = {},  // unused where no head has columns
            .column_values = {}};
  if (columns.rows > 0) {
    maps.column_keys = row_maps(p, columns.keys, columns.rows, 1, 1);
    maps.column_values = row_maps(p, columns.values, columns.rows, 1, 1);
  }
  return maps;
}

std::vector<BatchEntry> batch_entries(const AttentionParams& p) {
  std::vector<BatchEntry> entries;
  for (int64_t b = 0; b < p.shape.batch; ++b) entries.push_back({p.past_lens[b], p.new_lens[b]});
  return entries;
}

template <typename T, int kHeadDim, bool kSoftcap>
void launch_kernel(const AttentionParams& p, Call call, const WorkQueues& queues, const Maps& maps,
                   const Context& context) {
  const size_t smem = sizeof(Shared<kHeadDim>);
  const auto blocks = std::min<int64_t>(device_facts().multiprocessors, queues.all.num_items);
  const auto run = [&](auto is_careful, const WorkQueue& queue) {
    call.queue = queue;
    launch(attend_kernel<T, kHeadDim, kSoftcap, decltype(is_careful)::value>, dim3(static_cast<unsigned>(blocks)),
           dim3(kThreads), smem, context.stream, call, maps, static_cast<const T*>(p.k), static_cast<const T*>(p.v),
           p.shape.capacity);
  };
  run(std::false_type{}, queues.all);
  run(std::true_type{}, queues.again);
}

}  // namespace

bool runs_sm90(int64_t head_dim) { return (head_dim == 64 || head_dim == 128) && device_facts().major == 9; }

void attend_sm90(const AttentionParams& p, const Plans& plans, const WorkQueues& queues, const Context& context) {
  check_alignment(p);
  const Maps maps = make_maps(p, plans.columns);
  const AttentionShape& s = p.shape;
  const Call call{.plans = plans.plans,
                  .queue = {},
                  .spoiled = queues.spoiled,
                  .batch = upload(batch_entries(p), context),
                  .out = p.out,
                  .lse = p.lse,
                  .head_sink = p.head_sink,
                  .window = p.local_window,
                  .seqlen_q = static_cast<int32_t>(s.seqlen_q),
                  .num_heads = static_cast<int32_t>(s.num_heads),
                  .num_kv_heads = static_cast<int32_t>(s.num_kv_heads),
                  .sm_scale = p.sm_scale,
                  .softcap = p.softcap,
                  .every_lane_arrives = context.every_lane_arrives};
  dispatch_half(p.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto run = [&](auto head_dim) {
      constexpr int kHeadDim = decltype(head_dim)::value;
      if (p.softcap != 0) {
        launch_kernel<T, kHeadDim, true>(p, call, queues, maps, context);
      } else {
        launch_kernel<T, kHeadDim, false>(p, call, queues, maps, context);
      }
    };
    s.head_dim == 64 ? run(std::integral_constant<int, 64>{}) : run(std::integral_constant<int, 128>{});
  });
}

}  // namespace minference::cuda
