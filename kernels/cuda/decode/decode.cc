#include "decode.h"

#include <algorithm>
#include <limits>
#include <numbers>
#include <vector>

#include "../common/check_params.h"
#include "../plan/arena.h"
#include "work.h"

namespace minference::cuda {
namespace {

using namespace decode_kernels;

// The grid is this many times what the device runs at once, if then parts still have kFewTiles tiles: late blocks
// balance those that memory serves slowly. With many rows a part's result is as large as a tile and worth more keys.
int64_t waves(int64_t rows) { return rows <= 16 ? 3 : rows <= 32 ? 2 : 1; }
constexpr int64_t kFewTiles = 8;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

bool is_aligned(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer) % 16 == 0; }

// Keys and parts of each batch entry.
std::vector<DecodeEntry> plan_entries(const AttentionParams& params, int32_t window, const DecodeCapacity& capacity) {
  const AttentionShape& shape = params.shape;
  std::vector<DecodeEntry> entries;
  int64_t tiles = 0;
  const auto tiles_of = [&](const DecodeEntry& e) { return ceil_div(e.end - e.begin, capacity.tile_keys); };
  for (int64_t b = 0; b < shape.batch; ++b) {
    DecodeEntry entry{};
    entry.past = params.past_lens[b];
    entry.rows = params.new_lens[b];
    entry.end = entry.rows == 0 ? 0 : entry.past + entry.rows;
    entry.begin = window < 0 ? 0 : std::clamp(entry.past - window + 1, 0, entry.end);
    entries.push_back(entry);
    tiles += tiles_of(entry) * shape.num_kv_heads;
  }
  const int64_t rows = shape.seqlen_q * (shape.num_heads / shape.num_kv_heads);
  const int64_t one_wave = std::max<int64_t>(1, ceil_div(tiles, capacity.resident_blocks));
  const int64_t tiles_per_part = std::max(ceil_div(one_wave, waves(rows)), std::min(kFewTiles, one_wave));
  int32_t parts = 0;
  for (DecodeEntry& entry : entries) {
    entry.splits = static_cast<int32_t>(ceil_div(tiles_of(entry), tiles_per_part));
    entry.first_part = parts;
    parts += entry.splits * static_cast<int32_t>(shape.num_kv_heads);
  }
  return entries;
}

}  // namespace

bool is_decode(const AttentionParams& params) {
  const AttentionShape& shape = params.shape;
  const int64_t rows = shape.seqlen_q * (shape.num_heads / shape.num_kv_heads);
  const int64_t d = shape.head_dim;
  return (d == 64 || d == 96 || d == 128 || d == 256) && params.dtype != DataType::kFloat32 && shape.seqlen_q <= 16 &&
         rows <= kMaxRows && shape.num_kv_heads <= 65535 && is_aligned(params.q) && is_aligned(params.k) &&
         is_aligned(params.v) && params.q_stride_batch % 8 == 0 && params.q_stride_seq % 8 == 0 &&
         params.q_stride_head % 8 == 0;
}

void decode(const AttentionParams& params, const Context& context) {
  check_attention(params, false);
  const AttentionShape& shape = params.shape;
  if (!is_decode(params)) throw std::invalid_argument("decode takes few rows of a head size that it has a kernel for");
  if (shape.batch == 0 || shape.seqlen_q == 0) return;
  DecodeWork work{};
  work.q = params.q;
  work.q_stride_batch = params.q_stride_batch;
  work.q_stride_seq = params.q_stride_seq;
  work.q_stride_head = params.q_stride_head;
  work.k = params.k;
  work.v = params.v;
  work.kv_stride_head = shape.capacity * shape.head_dim;
  work.seqlen_q = static_cast<int32_t>(shape.seqlen_q);
  work.num_heads = static_cast<int32_t>(shape.num_heads);
  work.num_kv_heads = static_cast<int32_t>(shape.num_kv_heads);
  work.group = work.num_heads / work.num_kv_heads;
  // No row is as far from any key as the cache is long.
  const bool has_window = params.local_window >= 0 && params.local_window <= shape.capacity;
  work.window = has_window ? static_cast<int32_t>(params.local_window) : -1;
  constexpr float kLog2e = std::numbers::log2e_v<float>;
  const bool capped = params.softcap != 0;
  work.scale = capped ? params.sm_scale / params.softcap : params.sm_scale * kLog2e;
  work.cap = capped ? params.softcap * kLog2e : 0;
  work.head_sink = params.head_sink;
  work.out = params.out;
  work.lse = params.lse;

  const int64_t rows = shape.seqlen_q * work.group;
  const std::vector<DecodeEntry> entries =
      plan_entries(params, work.window, capacity(shape.head_dim, rows, params.dtype));
  const DecodeEntry& last = entries.back();
  const auto parts = static_cast<size_t>(last.first_part + last.splits * work.num_kv_heads);
  Arena arena;
  arena.add(work.part_out, parts * static_cast<size_t>(rows * shape.head_dim));
  arena.add(work.part_stats, parts * static_cast<size_t>(rows));
  arena.allocate(context);
  for (size_t first = 0; first < entries.size(); first += kMaxEntries) {
    work.first_batch = static_cast<int32_t>(first);
    work.num_entries = static_cast<int32_t>(std::min<size_t>(kMaxEntries, entries.size() - first));
    std::copy_n(entries.begin() + static_cast<ptrdiff_t>(first), work.num_entries, work.entries);
    launch_parts(work, shape.head_dim, params.dtype, context.stream);
    launch_merge(work, shape.head_dim, params.dtype, context.stream);
  }
}

}  // namespace minference::cuda
