#include <algorithm>

#include "memory.h"
#include "minference/cpu.h"
#include "report.h"
#include "values.h"

namespace minference::cuda::check_kernels {
namespace {

struct RopeCase {
  std::string name;
  int64_t rows;
  std::vector<int32_t> past{0};  // per batch entry
  std::vector<int32_t> lengths;  // per batch entry; empty: all rows
  int64_t heads = 4, kv_heads = 2, head_dim = 64;
  int64_t rotary_dim = -1;  // -1: head_dim; 0: none
  bool interleaved = false;
  bool packed = false;     // q, k and v in one buffer
  bool shared = false;     // past and present in one buffer
  bool shuffled = false;   // positions that do not count up
  int64_t spare_rows = 0;  // rows of the present behind the last
  bool with_queries = true;
};

std::string run_case(const RopeCase& c, DataType dtype, std::string& note) {
  const auto batch = static_cast<int64_t>(c.past.size());
  const int64_t rotary = c.rotary_dim < 0 ? c.head_dim : c.rotary_dim;
  const int64_t longest = *std::max_element(c.past.begin(), c.past.end());
  const int64_t capacity = longest + c.rows + c.spare_rows, past_capacity = c.shared ? capacity : longest + 1;
  const int64_t row = (c.heads + 2 * c.kv_heads) * c.head_dim, q_row = c.heads * c.head_dim;
  const int64_t kv_row = c.kv_heads * c.head_dim, positions = capacity + 3;
  // Rows of three parts, or one after the other.
  const Operand qkv = make_operand(normal(static_cast<size_t>(batch * c.rows * row), 1), dtype);
  const Operand cos = make_operand(normal(static_cast<size_t>(positions * rotary / 2), 2), dtype);
  const Operand sin = make_operand(normal(static_cast<size_t>(positions * rotary / 2), 3), dtype);
  const size_t past_size = static_cast<size_t>(batch * c.kv_heads * past_capacity * c.head_dim);
  const Operand past_k = make_operand(normal(past_size, 4), dtype), past_v = make_operand(normal(past_size, 5), dtype);
  std::vector<int32_t> lengths = c.lengths;
  lengths.resize(static_cast<size_t>(batch), static_cast<int32_t>(c.rows));
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < batch * c.rows; ++i) ids.push_back(c.shuffled ? (i * 7 + 3) % positions : 0);

  RopeCacheParams p{};
  p.shape = {batch, c.rows, c.heads, c.kv_heads, c.head_dim, capacity};
  p.q_stride_head = p.kv_stride_head = c.head_dim;
  p.q_stride_seq = c.packed ? row : q_row;
  p.kv_stride_seq = c.packed ? row : kv_row;
  p.q_stride_batch = c.rows * p.q_stride_seq;
  p.kv_stride_batch = c.rows * p.kv_stride_seq;
  p.past_capacity = past_capacity;
  p.past_lens = c.past.data();
  p.new_lens = lengths.data();
  p.do_rotary = rotary > 0;
  p.rotary_interleaved = c.interleaved;
  p.rotary_dim = rotary;
  p.position_ids = c.shuffled ? ids.data() : nullptr;
  const int64_t k_at = c.packed ? q_row : batch * c.rows * q_row;
  const int64_t v_at = c.packed ? q_row + kv_row : k_at + batch * c.rows * kv_row;
  const size_t q_size = static_cast<size_t>(batch * c.rows * q_row);
  const size_t present_size = static_cast<size_t>(batch * c.kv_heads * capacity * c.head_dim);

  std::vector<float> want_q(q_size), want_k(present_size), want_v(present_size);
  if (c.shared) {
    want_k = past_k.values;
    want_v = past_v.values;
  }
  RopeCacheParams host = p;
  host.dtype = DataType::kFloat32;
  host.q = qkv.values.data();
  host.k = qkv.values.data() + k_at;
  host.v = qkv.values.data() + v_at;
  host.cos_cache = cos.values.data();
  host.sin_cache = sin.values.data();
  host.q_rotated = c.with_queries ? want_q.data() : nullptr;
  host.present_k = want_k.data();
  host.present_v = want_v.data();
  host.past_k = c.shared ? host.present_k : past_k.values.data();
  host.past_v = c.shared ? host.present_v : past_v.values.data();
  cpu::rope_and_cache_reference(host);

  DeviceMemory memory;
  const bool wide = dtype == DataType::kFloat32;
  const auto upload = [&](const Operand& operand) -> void* {
    return wide ? static_cast<void*>(memory.upload(operand.values)) : memory.upload(operand.bits);
  };
  const size_t size = wide ? 4 : 2;
  const auto fetch = [&](const void* block, size_t count) {
    return wide ? download<float>(block, count) : widen_bits(download<uint16_t>(block, count), dtype);
  };
  p.dtype = dtype;
  auto* base = static_cast<std::byte*>(upload(qkv));
  p.q = base;
  p.k = base + static_cast<size_t>(k_at) * size;
  p.v = base + static_cast<size_t>(v_at) * size;
  p.cos_cache = upload(cos);
  p.sin_cache = upload(sin);
  p.past_k = upload(past_k);
  p.past_v = upload(past_v);
  p.present_k = c.shared ? const_cast<void*>(p.past_k) : memory.allocate(present_size * size);
  p.present_v = c.shared ? const_cast<void*>(p.past_v) : memory.allocate(present_size * size);
  p.q_rotated = c.with_queries ? memory.allocate(q_size * size) : nullptr;
  rope_and_cache(p, memory.context());

  const Tolerance tolerance = wide                          ? Tolerance{1e-5, 1e-5, 1e-6}
                              : dtype == DataType::kFloat16 ? Tolerance{2e-3, 1e-3, 1e-3}
                                                            : Tolerance{2e-2, 8e-3, 4e-3};
  double off_q = 0, off_k = 0, off_v = 0;
  std::string problem = c.with_queries ? compare(fetch(p.q_rotated, q_size), want_q, tolerance, &off_q) : "";
  if (!problem.empty()) return "q: " + problem;
  problem = compare(fetch(p.present_k, present_size), want_k, tolerance, &off_k);
  if (!problem.empty()) return "present_k: " + problem;
  problem = compare(fetch(p.present_v, present_size), want_v, {0, 0, 0}, &off_v);
  if (!problem.empty()) return "present_v: " + problem;
  char text[64];
  std::snprintf(text, sizeof(text), "off by %.1e", std::max(off_q, off_k));
  note = text;
  return "";
}

}  // namespace

void add_rope_checks(std::vector<Check>& checks) {
  const std::vector<RopeCase> cases{
      {.name = "one row", .rows = 1},
      {.name = "half-split", .rows = 37},
      {.name = "interleaved", .rows = 37, .interleaved = true},
      {.name = "part of the head", .rows = 20, .rotary_dim = 32},
      {.name = "interleaved part of the head", .rows = 20, .rotary_dim = 16, .interleaved = true},
      {.name = "a part that vectors do not fit", .rows = 20, .rotary_dim = 12},
      {.name = "head size that vectors do not fit", .rows = 9, .head_dim = 20},
      {.name = "interleaved, head size that vectors do not fit", .rows = 9, .head_dim = 20, .interleaved = true},
      {.name = "no rotation", .rows = 33, .rotary_dim = 0, .with_queries = false},
      {.name = "packed", .rows = 33, .packed = true},
      {.name = "past", .rows = 5, .past = {70}},
      {.name = "past in the present's buffer", .rows = 5, .past = {70}, .shared = true, .spare_rows = 9},
      {.name = "spare rows are zero", .rows = 5, .past = {70}, .spare_rows = 90},
      {.name = "different lengths", .rows = 40, .past = {0, 0, 0}, .lengths = {40, 1, 17}},
      {.name = "different pasts", .rows = 3, .past = {5, 0, 130}, .shared = true},
      {.name = "given positions", .rows = 40, .past = {0, 0}, .lengths = {40, 20}, .shuffled = true},
      {.name = "70 batch entries", .rows = 2, .past = std::vector<int32_t>(70, 3)},
      {.name = "head size 96", .rows = 10, .heads = 6, .kv_heads = 3, .head_dim = 96},
      {.name = "head size 128, packed, past", .rows = 10, .past = {200}, .head_dim = 128, .packed = true},
  };
  for (const RopeCase& c : cases) {
    for (const DataType dtype : {DataType::kFloat16, DataType::kBFloat16, DataType::kFloat32}) {
      const char* type = dtype == DataType::kFloat16    ? "float16"
                         : dtype == DataType::kBFloat16 ? "bfloat16"
                                                        : "float32";
      checks.push_back(
          {"rope: " + c.name + ", " + type, [c, dtype](std::string& note) { return run_case(c, dtype, note); }});
    }
  }
}

}  // namespace minference::cuda::check_kernels
