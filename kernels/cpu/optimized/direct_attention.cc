#include "direct_attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "../index/head_plan.h"
#include "plan_heads.h"
#include "row_block_kernel.h"
#include "run_tasks.h"
#include "tile_queue.h"

namespace minference::cpu {
namespace {

constexpr int64_t kMaxDirectRows = 15;
constexpr int64_t kLeastSplitKeys = 512;  // less is not worth a partial result
constexpr int64_t kMostSplits = 64;
constexpr int64_t kTilePanelsDirect = 4;  // packed keys and values of a tile stay in the first-level cache
constexpr int64_t kInlineFlops = 2'000'000;

// Query heads of one KV head with the same keys.
struct HeadSet {
  int64_t batch;
  std::vector<int64_t> heads;
  std::vector<KeyRange> ranges;
  int64_t first_split = 0, splits = 1, keys_per_split = 0;
};

struct Partial {
  std::vector<float> out;  // [heads * rows][head_dim]
  std::vector<float> max, sum;
};

bool is_dense(const AttentionParams& params, int64_t batch, int64_t head) {
  const HeadPattern& pattern = params.patterns[head];
  return PatternKind{pattern.kind} != PatternKind::kAShape || surely_dense({params, batch, head}, pattern);
}

HeadSet make_set(const AttentionParams& params, int64_t batch, std::vector<int64_t> heads, bool dense) {
  HeadSet set{.batch = batch, .heads = std::move(heads), .ranges = {}};
  HeadPlan plan;
  plan.pattern = params.patterns[set.heads[0]];
  plan.dense = dense;
  const CallSpan span{params.past_lens[batch], params.new_lens[batch], params.local_window};
  RangeBuilder(plan, span).ranges(0, set.ranges);
  int64_t keys = 0;
  for (const KeyRange& range : set.ranges) keys += range.end - range.begin;
  set.splits = std::clamp<int64_t>((keys + kLeastSplitKeys - 1) / kLeastSplitKeys, 1, kMostSplits);
  set.keys_per_split = ((keys + set.splits - 1) / set.splits + kPanelKeys - 1) / kPanelKeys * kPanelKeys;
  return set;
}

std::vector<HeadSet> head_sets(const AttentionParams& params) {
  const int64_t group = params.shape.num_heads / params.shape.num_kv_heads;
  std::vector<HeadSet> sets;
  for (int64_t b = 0; b < params.shape.batch; ++b) {
    for (int64_t kv = 0; params.new_lens[b] > 0 && kv < params.shape.num_kv_heads; ++kv) {
      std::vector<int64_t> dense;
      for (int64_t h = kv * group; h < (kv + 1) * group; ++h) {
        if (is_dense(params, b, h)) {
          dense.push_back(h);
        } else {
          sets.push_back(make_set(params, b, {h}, false));
        }
      }
      if (!dense.empty()) sets.push_back(make_set(params, b, dense, true));
    }
  }
  for (size_t s = 1; s < sets.size(); ++s) sets[s].first_split = sets[s - 1].first_split + sets[s - 1].splits;
  return sets;
}

// Attends one split of a set's keys.
class SplitKernel {
 public:
  SplitKernel(const KernelTable& kernels, const AttentionParams& params)
      : kernels_(kernels),
        params_(params),
        rows_(kernels, params),
        k_(kTilePanelsDirect * kPanelKeys * params.shape.head_dim),
        v_(kTilePanelsDirect * kPanelKeys * padded_head_dim(params.shape.head_dim)) {}

  void compute(const HeadSet& set, int64_t split, Partial& partial) {
    begin(set);
    rows_.attend([&] { add_keys(set, split); });
    save(partial);
  }

 private:
  void add_keys(const HeadSet& set, int64_t split) {
    const HeadView view(params_, set.batch, set.heads[0]);
    TileQueue queue(kernels_, rows_.block());
    int64_t skip = split * set.keys_per_split, left = set.keys_per_split, queued = 0;
    for (const KeyRange& range : set.ranges) {
      const int64_t length = range.end - range.begin, offset = std::min(skip, length);
      skip -= offset;
      for (int64_t key = range.begin + offset; key < range.end && left > 0; key += kPanelKeys, left -= kPanelKeys) {
        queue.add_range_panel(pack(view, key, queued), static_cast<int32_t>(key), range.end);
        if (++queued < kTilePanelsDirect) continue;
        queue.flush();
        queued = 0;
      }
    }
    queue.flush();
  }

  void begin(const HeadSet& set) {
    const int64_t rows = params_.new_lens[set.batch], heads = static_cast<int64_t>(set.heads.size());
    const void* queries[kRowBlock];
    int32_t positions[kRowBlock];
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t h = 0; h < heads; ++h) {
        queries[r * heads + h] = HeadView(params_, set.batch, set.heads[h]).query(r);
        positions[r * heads + h] = static_cast<int32_t>(params_.past_lens[set.batch] + r);
      }
    }
    rows_.begin(queries, positions, rows * heads);
  }

  Panel pack(const HeadView& view, int64_t key, int64_t slot) {
    const int64_t d = view.d(), d_pad = padded_head_dim(d), count = std::min(kPanelKeys, view.total - key);
    const void* rows[kPanelKeys];
    Panel panel{k_.data() + slot * kPanelKeys * d, v_.data() + slot * kPanelKeys * d_pad, nullptr, 0};
    for (int64_t i = 0; i < count; ++i) rows[i] = view.key(key + i);
    kernels_.pack_keys(rows, count, view.half(), d, k_.data() + slot * kPanelKeys * d);
    if (!view.half() && d == d_pad && count == kPanelKeys) {
      panel.v = static_cast<const float*>(view.value(key));
    } else {
      for (int64_t i = 0; i < count; ++i) rows[i] = view.value(key + i);
      kernels_.pack_values(rows, count, view.half(), d, d_pad, v_.data() + slot * kPanelKeys * d_pad);
    }
    return panel;
  }

  void save(Partial& partial) const {
    const RowBlock& block = rows_.block();
    partial.max.assign(block.max, block.max + block.rows);
    partial.sum.assign(block.sum, block.sum + block.rows);
    partial.out.resize(block.rows * block.d);
    for (int64_t r = 0; r < block.rows; ++r) {
      std::copy_n(block.out + r * block.d_pad, block.d, partial.out.data() + r * block.d);
    }
  }

  const KernelTable& kernels_;
  const AttentionParams& params_;
  RowBlockKernel rows_;
  AlignedBuffer<float> k_, v_;
};

void merge(const KernelTable& kernels, const AttentionParams& params, const HeadSet& set, const Partial* partials) {
  const int64_t d = params.shape.head_dim, rows = params.new_lens[set.batch],
                heads = static_cast<int64_t>(set.heads.size());
  std::vector<float> out(d);
  for (int64_t i = 0; i < rows * heads; ++i) {
    const HeadView view(params, set.batch, set.heads[i % heads]);
    float max = partials[0].max[i], sum = 0;
    for (int64_t s = 1; s < set.splits; ++s) max = std::max(max, partials[s].max[i]);
    std::fill(out.begin(), out.end(), 0.0f);
    for (int64_t s = 0; s < set.splits; ++s) {
      const float weight = std::exp2(partials[s].max[i] - max);
      sum += weight * partials[s].sum[i];
      for (int64_t e = 0; e < d; ++e) out[e] += weight * partials[s].out[i * d + e];
    }
    constexpr float kLog2e = 1.4426950408889634f, kLn2 = 0.6931471805599453f;
    const float sink = params.head_sink == nullptr ? 0 : std::exp2(params.head_sink[view.head] * kLog2e - max);
    kernels.from_float(out.data(), d, sum == 0 ? 0 : 1.0f / (sum + sink), view.half(), view.out(i / heads));
    if (params.lse == nullptr) continue;
    *view.lse(i / heads) = sum == 0 ? -std::numeric_limits<float>::infinity() : (max + std::log2(sum)) * kLn2;
  }
}

}  // namespace

bool takes_direct_path(const AttentionParams& params) {
  const int64_t group = params.shape.num_heads / params.shape.num_kv_heads;
  if (params.shape.seqlen_q > kMaxDirectRows || params.shape.seqlen_q * group > kRowBlock) return false;
  for (int64_t h = 0; h < params.shape.num_heads; ++h) {
    const HeadPattern& pattern = params.patterns[h];
    const bool has_ranges =
        PatternKind{pattern.kind} == PatternKind::kDense || PatternKind{pattern.kind} == PatternKind::kAShape;
    if (!has_ranges && (pattern.flags & kNoFallback)) return false;
  }
  return true;
}

void direct_attention(const KernelTable& kernels, const AttentionParams& params, const ParallelFor& parallel) {
  const std::vector<HeadSet> sets = head_sets(params);
  if (sets.empty()) return;
  struct Task {
    const HeadSet* set;
    int64_t split;
  };
  std::vector<Task> tasks;
  int64_t flops = 0;
  for (const HeadSet& set : sets) {
    for (int64_t s = 0; s < set.splits; ++s) tasks.push_back({&set, s});
    flops += 4 * params.shape.head_dim * set.splits * set.keys_per_split * static_cast<int64_t>(set.heads.size()) *
             params.new_lens[set.batch];
  }
  std::vector<Partial> partials(tasks.size());
  const auto make_worker = [&]() -> TaskRunner {
    auto kernel = std::make_shared<SplitKernel>(kernels, params);
    return [&, kernel](int64_t t) { kernel->compute(*tasks[t].set, tasks[t].split, partials[t]); };
  };
  if (flops < kInlineFlops) {
    run_tasks_inline(static_cast<int64_t>(tasks.size()), make_worker);
  } else {
    run_tasks(parallel, static_cast<int64_t>(tasks.size()), make_worker);
  }
  for (const HeadSet& set : sets) merge(kernels, params, set, partials.data() + set.first_split);
}

}  // namespace minference::cpu
