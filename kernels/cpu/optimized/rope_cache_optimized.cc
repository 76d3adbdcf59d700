#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "../../shared/check_params.h"
#include "../simd/kernel_table.h"
#include "minference/cpu.h"
#include "run_tasks.h"

namespace minference::cpu {
namespace {

constexpr int64_t kRowsPerTask = 64;
constexpr int64_t kInlineElements = 32'768;

// Work of one worker on single rows: rotation happens in float32, in `x`.
class RowWriter {
 public:
  RowWriter(const KernelTable& kernels, const RopeCacheParams& params)
      : kernels_(kernels),
        params_(params),
        half_(params.dtype == DataType::kFloat16),
        x_(params.shape.head_dim),
        cos_(params.rotary_dim / 2 + 1),
        sin_(params.rotary_dim / 2 + 1) {}

  // Loads the angles of batch entry b, row r.
  void set_row(int64_t b, int64_t r) {
    if (!params_.do_rotary) return;
    const int64_t position = params_.position_ids != nullptr ? params_.position_ids[b * params_.shape.seqlen_q + r]
                                                             : params_.past_lens[b] + r;
    const int64_t pairs = params_.rotary_dim / 2;
    kernels_.to_float(at(params_.cos_cache, position * pairs), half_, pairs, cos_.data());
    kernels_.to_float(at(params_.sin_cache, position * pairs), half_, pairs, sin_.data());
  }

  void rotate(const void* from, void* to) {
    const int64_t d = params_.shape.head_dim;
    if (!params_.do_rotary) {
      if (from != to) std::memcpy(to, from, d * element_size());
      return;
    }
    kernels_.to_float(from, half_, d, x_.data());
    const int64_t pairs = params_.rotary_dim / 2;
    const int64_t step = params_.rotary_interleaved ? 2 : 1, partner = params_.rotary_interleaved ? 1 : pairs;
    for (int64_t i = 0; i < pairs; ++i) {
      float& a = x_[i * step];
      float& b = x_[i * step + partner];
      const float rotated = a * cos_[i] - b * sin_[i];
      b = b * cos_[i] + a * sin_[i];
      a = rotated;
    }
    kernels_.from_float(x_.data(), d, 1.0f, half_, to);
  }

  int64_t element_size() const { return half_ ? 2 : 4; }
  const char* at(const void* data, int64_t element) const {
    return static_cast<const char*>(data) + element * element_size();
  }
  char* at(void* data, int64_t element) const { return static_cast<char*>(data) + element * element_size(); }

 private:
  const KernelTable& kernels_;
  const RopeCacheParams& params_;
  bool half_;
  std::vector<float> x_, cos_, sin_;
};

void write_rows(const RopeCacheParams& params, RowWriter& writer, int64_t b, int64_t begin, int64_t end) {
  const AttentionShape& shape = params.shape;
  const int64_t d = shape.head_dim, row_bytes = d * writer.element_size();
  for (int64_t r = begin; r < end; ++r) {
    const bool padding = r >= params.new_lens[b];
    if (!padding) writer.set_row(b, r);
    for (int64_t h = 0; params.q_rotated != nullptr && h < shape.num_heads; ++h) {
      char* to = writer.at(params.q_rotated, ((b * shape.seqlen_q + r) * shape.num_heads + h) * d);
      if (padding) {
        std::memset(to, 0, row_bytes);
      } else {
        writer.rotate(
            writer.at(params.q, b * params.q_stride_batch + r * params.q_stride_seq + h * params.q_stride_head), to);
      }
    }
    for (int64_t h = 0; !padding && h < shape.num_kv_heads; ++h) {
      const int64_t from = b * params.kv_stride_batch + r * params.kv_stride_seq + h * params.kv_stride_head;
      const int64_t to = ((b * shape.num_kv_heads + h) * shape.capacity + params.past_lens[b] + r) * d;
      writer.rotate(writer.at(params.k, from), writer.at(params.present_k, to));
      std::memcpy(writer.at(params.present_v, to), writer.at(params.v, from), row_bytes);
    }
  }
}

// The past's rows into a present buffer of their own, and zeros behind the new rows.
void copy_past(const RopeCacheParams& params, const RowWriter& writer, int64_t b, int64_t h) {
  const AttentionShape& shape = params.shape;
  const int64_t d = shape.head_dim, size = writer.element_size();
  const int64_t to = (b * shape.num_kv_heads + h) * shape.capacity * d;
  const int64_t from = (b * shape.num_kv_heads + h) * params.past_capacity * d;
  const int64_t past = params.past_lens[b] * d, used = past + params.new_lens[b] * d;
  const auto fill = [&](void* present, const void* source) {
    if (past > 0) std::memcpy(writer.at(present, to), writer.at(source, from), past * size);
    std::memset(writer.at(present, to + used), 0, (shape.capacity * d - used) * size);
  };
  fill(params.present_k, params.past_k);
  fill(params.present_v, params.past_v);
}

}  // namespace

void rope_and_cache_optimized(const RopeCacheParams& params, const ParallelFor& parallel) {
  contract::check_rope_cache(params);
  const AttentionShape& shape = params.shape;
  const bool shared = params.past_k == params.present_k;
  const int64_t row_tasks = (shape.seqlen_q + kRowsPerTask - 1) / kRowsPerTask;
  const int64_t copy_tasks = shared ? 0 : shape.num_kv_heads;
  const int64_t per_entry = row_tasks + copy_tasks, count = shape.batch * per_entry;
  const auto make_worker = [&]() -> TaskRunner {
    auto writer = std::make_shared<RowWriter>(kernels(), params);
    return [&, writer](int64_t t) {
      const int64_t b = t / per_entry, part = t % per_entry;
      if (part < copy_tasks) return copy_past(params, *writer, b, part);
      const int64_t begin = (part - copy_tasks) * kRowsPerTask;
      write_rows(params, *writer, b, begin, std::min(shape.seqlen_q, begin + kRowsPerTask));
    };
  };
  int64_t elements = shape.batch * shape.seqlen_q * (shape.num_heads + 2 * shape.num_kv_heads) * shape.head_dim;
  if (!shared) elements += shape.batch * shape.num_kv_heads * shape.capacity * shape.head_dim;
  if (elements < kInlineElements) {
    run_tasks_inline(count, make_worker);
  } else {
    run_tasks(parallel, count, make_worker);
  }
}

}  // namespace minference::cpu
