#include "host_operands.h"

#include <bit>

#include "../../cuda/common/check.h"

namespace minference::ops {
namespace {

constexpr size_t kBytes = sizeof(uint16_t);

std::vector<float> widen(const std::vector<uint16_t>& bits) {
  std::vector<float> values;
  values.reserve(bits.size());
  for (const uint16_t b : bits) values.push_back(std::bit_cast<float>(uint32_t{b} << 16));
  return values;
}

}  // namespace

HostOperands::HostOperands(const AttentionParams& params, cudaStream_t stream) : call_(params) {
  const AttentionShape& shape = params.shape;
  const int64_t total = int64_t{params.past_lens[0]} + params.new_lens[0];
  const int64_t q_row = shape.num_heads * shape.head_dim, k_row = total * shape.head_dim;
  q_.resize(static_cast<size_t>(shape.seqlen_q * q_row));
  k_.resize(static_cast<size_t>(shape.num_kv_heads * k_row));
  const auto copy = [&](std::vector<uint16_t>& to, const void* from, int64_t row, int64_t stride, int64_t rows) {
    if (to.empty()) return;
    cuda::check(
        cudaMemcpy2DAsync(to.data(), static_cast<size_t>(row) * kBytes, from, static_cast<size_t>(stride) * kBytes,
                          static_cast<size_t>(row) * kBytes, static_cast<size_t>(rows), cudaMemcpyDeviceToHost, stream),
        "reading queries and keys");
  };
  copy(q_, params.q, q_row, params.q_stride_seq, shape.seqlen_q);  // heads lie side by side
  copy(k_, params.k, k_row, shape.capacity * shape.head_dim, shape.num_kv_heads);
  cuda::check(cudaStreamSynchronize(stream), "reading queries and keys");
  if (params.dtype == DataType::kBFloat16) {
    wide_q_ = widen(q_);
    wide_k_ = widen(k_);
    call_.dtype = DataType::kFloat32;
  }
  call_.q_stride_head = shape.head_dim;
  call_.q_stride_seq = q_row;
  call_.q_stride_batch = shape.seqlen_q * q_row;
  call_.shape.capacity = total;
  call_.out = nullptr;
  call_.lse = nullptr;
  call_.head_sink = nullptr;  // in device memory; it changes no order among a row's keys
}

AttentionParams HostOperands::call() const {
  AttentionParams call = call_;
  const bool wide = call.dtype == DataType::kFloat32;
  call.q = wide ? static_cast<const void*>(wide_q_.data()) : q_.data();
  call.k = call.v = wide ? static_cast<const void*>(wide_k_.data()) : k_.data();
  return call;
}

}  // namespace minference::ops
