#include <algorithm>
#include <string>
#include <vector>

#include "../common/check.h"
#include "../common/check_params.h"
#include "rope_cache.cuh"

namespace minference::cuda {
namespace {

// Whether every row starts at a multiple of `bytes`.
class Alignment {
 public:
  explicit Alignment(size_t bytes) : bytes_(bytes) {}
  void address(const void* pointer) { ok_ = ok_ && reinterpret_cast<uintptr_t>(pointer) % bytes_ == 0; }
  void stride(int64_t elements, size_t element_size) {
    ok_ = ok_ && static_cast<size_t>(elements) * element_size % bytes_ == 0;
  }
  bool ok() const { return ok_; }

 private:
  size_t bytes_;
  bool ok_ = true;
};

template <typename T>
bool is_aligned(const RopeCacheParams& p, int64_t rotary_dim) {
  Alignment alignment(16);
  for (const void* pointer : {p.q, p.k, p.v, static_cast<const void*>(p.q_rotated), p.past_k, p.past_v,
                              static_cast<const void*>(p.present_k), static_cast<const void*>(p.present_v)}) {
    alignment.address(pointer);
  }
  for (const int64_t elements : {p.q_stride_batch, p.q_stride_seq, p.q_stride_head, p.kv_stride_batch, p.kv_stride_seq,
                                 p.kv_stride_head, p.shape.head_dim, rotary_dim / 2}) {
    alignment.stride(elements, sizeof(T));
  }
  if (rotary_dim > 0) {
    alignment.address(p.cos_cache);
    alignment.address(p.sin_cache);
  }
  return alignment.ok();
}

// Whether the positions of a batch entry's rows count up by one: then their first says it all.
bool counts_up(const int64_t* positions, int64_t rows) {
  for (int64_t r = 1; r < rows; ++r) {
    if (positions[r] != positions[0] + r) return false;
  }
  return true;
}

bool all_count_up(const RopeCacheParams& p) {
  for (int64_t b = 0; p.position_ids != nullptr && b < p.shape.batch; ++b) {
    if (!counts_up(p.position_ids + b * p.shape.seqlen_q, p.new_lens[b])) return false;
  }
  return true;
}

// From pageable memory, which CUDA stages before the call returns: the caller's array may go afterwards, pinned or not.
const int64_t* upload_positions(const RopeCacheParams& p, const Context& context) {
  const std::vector<int64_t> positions(p.position_ids, p.position_ids + p.shape.batch * p.shape.seqlen_q);
  const size_t bytes = positions.size() * sizeof(int64_t);
  auto* device = static_cast<int64_t*>(context.allocate(bytes));
  check(cudaMemcpyAsync(device, positions.data(), bytes, cudaMemcpyHostToDevice, context.stream),
        "copying position_ids to the device");
  return device;
}

template <typename T, int N, bool kInterleaved>
void launch_entries(const RopeCacheParams& p, const int64_t* positions, int64_t rotary_dim, const Context& context) {
  RopeArguments<T> a{};
  a.q = static_cast<const T*>(p.q);
  a.k = static_cast<const T*>(p.k);
  a.v = static_cast<const T*>(p.v);
  a.q_stride_batch = p.q_stride_batch;
  a.q_stride_seq = p.q_stride_seq;
  a.q_stride_head = p.q_stride_head;
  a.kv_stride_batch = p.kv_stride_batch;
  a.kv_stride_seq = p.kv_stride_seq;
  a.kv_stride_head = p.kv_stride_head;
  a.q_rotated = static_cast<T*>(p.q_rotated);
  a.past_k = static_cast<const T*>(p.past_k);
  a.past_v = static_cast<const T*>(p.past_v);
  a.past_capacity = p.past_capacity;
  a.present_k = static_cast<T*>(p.present_k);
  a.present_v = static_cast<T*>(p.present_v);
  a.capacity = p.shape.capacity;
  a.cos_cache = static_cast<const T*>(p.cos_cache);
  a.sin_cache = static_cast<const T*>(p.sin_cache);
  a.position_ids = positions;
  a.seqlen_q = p.shape.seqlen_q;
  a.num_heads = static_cast<int32_t>(p.shape.num_heads);
  a.num_kv_heads = static_cast<int32_t>(p.shape.num_kv_heads);
  a.head_dim = static_cast<int32_t>(p.shape.head_dim);
  a.rotary_dim = static_cast<int32_t>(rotary_dim);
  const bool shared = p.past_k == p.present_k;
  a.copy_blocks = shared ? 0 : (p.shape.capacity * p.shape.head_dim + kCopyElements - 1) / kCopyElements;
  const int64_t blocks = p.shape.seqlen_q + 2 * p.shape.num_kv_heads * a.copy_blocks;
  if (blocks == 0) return;
  for (int64_t first = 0; first < p.shape.batch; first += kRopeBatch) {
    const int64_t entries = std::min<int64_t>(kRopeBatch, p.shape.batch - first);
    a.first_batch = first;
    for (int64_t b = 0; b < entries; ++b) {
      a.past_lens[b] = p.past_lens[first + b];
      a.new_lens[b] = p.new_lens[first + b];
      const bool given = p.position_ids != nullptr && p.shape.seqlen_q > 0;
      a.first_position[b] = given ? p.position_ids[(first + b) * p.shape.seqlen_q] : p.past_lens[first + b];
    }
    launch(rope_cache_kernel<T, N, kInterleaved>, dim3(static_cast<unsigned>(blocks), static_cast<unsigned>(entries)),
           dim3(kRopeThreads), 0, context.stream, a);
  }
}

template <typename T, int N>
void launch_pairs(const RopeCacheParams& p, const int64_t* positions, int64_t rotary_dim, const Context& context) {
  if (p.rotary_interleaved && rotary_dim > 0) {
    launch_entries<T, N, true>(p, positions, rotary_dim, context);
  } else {
    launch_entries<T, N, false>(p, positions, rotary_dim, context);
  }
}

}  // namespace

void rope_and_cache(const RopeCacheParams& params, const Context& context) {
  check_rope_cache(params);
  if (params.shape.batch == 0) return;
  const int64_t rotary_dim = params.do_rotary ? params.rotary_dim : 0;
  const int64_t* positions = rotary_dim == 0 || all_count_up(params) ? nullptr : upload_positions(params, context);
  dispatch(params.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if (is_aligned<T>(params, rotary_dim)) {
      launch_pairs<T, 16 / sizeof(T)>(params, positions, rotary_dim, context);
    } else {
      launch_pairs<T, 1>(params, positions, rotary_dim, context);
    }
  });
}

}  // namespace minference::cuda
