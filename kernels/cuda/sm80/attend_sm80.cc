#include "attend_sm80.h"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "../plan/upload.h"
#include "launch_sm80.h"

namespace minference::cuda {
namespace {

constexpr float kLog2E = 1.4426950408889634f;

bool is_aligned(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer) % 16 == 0; }

void check_layout(const AttentionParams& params, const KernelGeometry& geometry) {
  const AttentionShape& shape = params.shape;
  if (shape.head_dim % 8 != 0 || shape.head_dim > 256 || geometry.block_m != sm80_block_m(shape.head_dim)) {
    throw std::invalid_argument("the CUDA kernels take head sizes up to 256 that are multiples of 8");
  }
  const bool aligned_strides =
      params.q_stride_batch % 8 == 0 && params.q_stride_seq % 8 == 0 && params.q_stride_head % 8 == 0;
  if (!aligned_strides || !is_aligned(params.q) || !is_aligned(params.k) || !is_aligned(params.v) ||
      !is_aligned(params.out)) {
    throw std::invalid_argument("the CUDA kernels take operands whose rows are aligned to 16 bytes");
  }
}

}  // namespace

void attend_sm80(const AttentionParams& params, const Plans& plans, const WorkQueues& queues,
                 const KernelGeometry& geometry, const Context& context) {
  check_layout(params, geometry);
  const AttentionShape& shape = params.shape;
  std::vector<sm80::BatchEntry> batch;
  for (int64_t b = 0; b < shape.batch; ++b) batch.push_back({params.past_lens[b], params.new_lens[b]});
  sm80::Call call{};
  call.q = params.q;
  call.k = params.k;
  call.v = params.v;
  call.out = params.out;
  call.lse = params.lse;
  call.head_sink = params.head_sink;
  call.batch = upload(batch, context);
  call.plans = plans.plans;
  call.queues = queues;
  call.q_stride_batch = params.q_stride_batch;
  call.q_stride_seq = params.q_stride_seq;
  call.q_stride_head = params.q_stride_head;
  call.capacity = shape.capacity;
  call.seqlen_q = static_cast<int32_t>(shape.seqlen_q);
  call.num_heads = static_cast<int32_t>(shape.num_heads);
  call.num_kv_heads = static_cast<int32_t>(shape.num_kv_heads);
  call.head_dim = static_cast<int32_t>(shape.head_dim);
  call.window =
      params.local_window < 0 ? INT32_MAX : static_cast<int32_t>(std::min<int64_t>(params.local_window, INT32_MAX));
  call.is_shaped = params.softcap != 0 || params.sm_scale <= 0;
  call.scale_log2 = call.is_shaped ? kLog2E : params.sm_scale * kLog2E;
  call.inner = params.softcap != 0 ? params.sm_scale / params.softcap : params.sm_scale;
  call.cap = params.softcap;
  params.dtype == DataType::kFloat16 ? sm80::launch_half(call, context.stream)
                                     : sm80::launch_bfloat16(call, context.stream);
}

}  // namespace minference::cuda
