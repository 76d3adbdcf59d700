#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

#include "../../shared/check_params.h"
#include "../index/head_indexer.h"
#include "direct_attention.h"
#include "kv_waves.h"
#include "minference/cpu.h"
#include "plan_heads.h"
#include "row_block_kernel.h"
#include "run_tasks.h"

namespace minference::cpu {
namespace {

// out = 0, lse = -inf for rows past the end of shorter batch entries.
void clear_padding(const AttentionParams& params) {
  const AttentionShape& shape = params.shape;
  for (int64_t b = 0; b < shape.batch; ++b) {
    for (int64_t h = 0; h < shape.num_heads; ++h) {
      const HeadView view(params, b, h);
      for (int64_t r = params.new_lens[b]; r < shape.seqlen_q; ++r) {
        std::fill_n(static_cast<char*>(view.out(r)), shape.head_dim * (view.half() ? 2 : 4), 0);
        if (params.lse != nullptr) *view.lse(r) = -std::numeric_limits<float>::infinity();
      }
    }
  }
}

std::vector<std::unique_ptr<PlannedHead>> plan_wave(const KernelTable& table, const AttentionParams& params,
                                                    const std::vector<KvUnit>& wave, const ParallelFor& parallel) {
  const ScopedTime time(params.counters == nullptr ? nullptr : &params.counters->index_ns);
  const int64_t group = params.shape.num_heads / params.shape.num_kv_heads;
  const int64_t count = static_cast<int64_t>(wave.size()) * group;
  std::vector<std::unique_ptr<PlannedHead>> heads(count);
  const auto make_worker = [&]() -> TaskRunner {
    return [&](int64_t t) {
      const KvUnit& unit = wave[t / group];
      const HeadView view(params, unit.batch, unit.kv_head * group + t % group);
      heads[t] = std::make_unique<PlannedHead>(table, view, *unit.kv,
                                               plan_head(table, view, params.patterns[view.head], *unit.kv));
    };
  };
  const bool trivial = std::all_of(params.patterns, params.patterns + params.shape.num_heads, [](const HeadPattern& p) {
    return PatternKind{p.kind} == PatternKind::kDense || PatternKind{p.kind} == PatternKind::kAShape;
  });
  if (trivial) {
    run_tasks_inline(count, make_worker);
  } else {
    run_tasks(parallel, count, make_worker);
  }
  return heads;
}

struct Task {
  const PlannedHead* head;
  int64_t row_block;
  int32_t tiles;
};

void attend_wave(const KernelTable& table, const AttentionParams& params,
                 const std::vector<std::unique_ptr<PlannedHead>>& heads, const ParallelFor& parallel) {
  std::vector<Task> tasks;
  for (const auto& head : heads) {
    const PlanCost cost = count_cost(head->plan, head->span, head->view.d());
    if (params.counters != nullptr) {
      params.counters->tiles += cost.tiles;
      params.counters->dense_tiles += dense_tiles(head->span);
    }
    for (int64_t block = 0; block < head->span.row_blocks(); ++block) {
      tasks.push_back({head.get(), block, cost.block_tiles[block]});
    }
  }
  std::stable_sort(tasks.begin(), tasks.end(), [](const Task& x, const Task& y) { return x.tiles > y.tiles; });
  run_tasks(parallel, static_cast<int64_t>(tasks.size()), [&]() -> TaskRunner {
    auto kernel = std::make_shared<RowBlockKernel>(table, params);
    return [&, kernel](int64_t t) {
      const PlannedHead& head = *tasks[t].head;
      kernel->compute(head, tasks[t].row_block);
      for (int64_t r = 0; r < kernel->block().rows; ++r) {
        const int64_t row = tasks[t].row_block * kRowBlock + r;
        kernel->store_row(r, head.view.head, head.view.out(row));
        if (params.lse != nullptr) *head.view.lse(row) = kernel->lse(r);
      }
    };
  });
}

}  // namespace

KernelGeometry optimized_geometry(int64_t) { return {kBlockM, kKeyAlign, kKeyAlign}; }

const char* simd_level() { return kernels().name; }

void attention_optimized(const AttentionParams& params, const ParallelFor& parallel) {
  contract::check_attention(params, true);
  const KernelTable& table = kernels();
  clear_padding(params);
  if (takes_direct_path(params)) return direct_attention(table, params, parallel);
  for (std::vector<KvUnit>& wave : kv_waves(params)) {
    pack_wave(table, params, wave, parallel);
    attend_wave(table, params, plan_wave(table, params, wave, parallel), parallel);
    wave.clear();
  }
}

SparseIndex build_index_optimized(const AttentionParams& params, int64_t batch, int64_t head,
                                  const ParallelFor& parallel) {
  contract::check_attention(params, true);
  contract::check_head(params, batch, head);
  const KernelTable& table = kernels();
  const HeadView view(params, batch, head);
  const CallSpan span{view.past, view.rows, params.local_window};
  std::vector<KvUnit> wave(1);
  wave[0] = {batch, view.kv_head, nullptr};
  pack_wave(table, params, wave, parallel);
  return to_sparse_index(HeadIndexer(table, view, *wave[0].kv).plan(params.patterns[head]), span, view.d());
}

}  // namespace minference::cpu
