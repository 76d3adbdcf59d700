// The device-side planner against the CPU reference's index: ranges, columns and tiles of every row block, the
// schedule, and fitted sizes. Prints what differs; exit status 1 if anything does.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "../../cpu/reference/reference.h"
#include "../../shared/fit_grid.h"
#include "../common/dtype.cuh"
#include "../plan/planner.h"
#include "../plan/row_block.cuh"

using namespace minference;
using namespace minference::cuda;

namespace {

int failures = 0;

struct Memory {
  std::vector<void*> blocks;
  size_t bytes = 0;
  Context context{nullptr, [this](size_t size) {
                    bytes += size;
                    blocks.push_back(std::aligned_alloc(256, (size + 255) / 256 * 256));
                    std::memset(blocks.back(), 0xee, size);
                    return blocks.back();
                  }};
  ~Memory() {
    for (void* block : blocks) std::free(block);
  }
};

struct Case {
  const char* name;
  int64_t batch = 1, heads = 4, kv_heads = 2, d = 64;
  std::vector<int32_t> past{0}, rows{500};
  std::vector<HeadPattern> patterns{};
  int64_t window = -1;
  float softcap = 0;
  bool sink = false;
  DataType dtype = DataType::kFloat16;
  KernelGeometry geometry{128, 64, 1};
  float spread = 1;
};

// The same numbers in 16 bits for the kernels and in float32 for the reference.
template <typename T>
struct Operands {
  std::vector<float> q, k, sink;
  std::vector<T> q16, k16;

  explicit Operands(const Case& c, int64_t seqlen, int64_t capacity) {
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    const auto fill = [&](std::vector<float>& wide, std::vector<T>& narrow, int64_t count, float scale) {
      for (int64_t i = 0; i < count; ++i) {
        narrow.push_back(from_float<T>(normal(random) * scale));
        wide.push_back(to_float(narrow.back()));
      }
    };
    fill(q, q16, c.batch * seqlen * c.heads * c.d, c.spread);
    fill(k, k16, c.batch * c.kv_heads * capacity * c.d, 1);
    for (int64_t h = 0; h < c.heads; ++h) sink.push_back(normal(random));
  }
};

struct Setup {
  AttentionParams wide{}, narrow{};
};

template <typename T>
Setup make_setup(const Case& c, const Operands<T>& data, int64_t seqlen, int64_t capacity) {
  Setup s;
  AttentionParams& p = s.wide;
  p.shape = {c.batch, seqlen, c.heads, c.kv_heads, c.d, capacity};
  p.dtype = DataType::kFloat32;
  p.q = data.q.data();
  p.k = p.v = data.k.data();
  p.q_stride_batch = seqlen * c.heads * c.d;
  p.q_stride_seq = c.heads * c.d;
  p.q_stride_head = c.d;
  p.past_lens = c.past.data();
  p.new_lens = c.rows.data();
  p.sm_scale = 1.0f / std::sqrt(static_cast<float>(c.d));
  p.softcap = c.softcap;
  p.local_window = c.window;
  p.head_sink = c.sink ? data.sink.data() : nullptr;
  p.patterns = c.patterns.data();
  s.narrow = p;
  s.narrow.dtype = c.dtype;
  s.narrow.q = data.q16.data();
  s.narrow.k = s.narrow.v = data.k16.data();
  return s;
}

void complain(const Case& c, int64_t head, const std::string& what) {
  if (++failures < 30) std::printf("%s, head %ld: %s\n", c.name, static_cast<long>(head), what.c_str());
}

void compare_head(const Case& c, int64_t head, const DevicePlan& plan, const SparseIndex& index) {
  const int64_t b = head / c.heads;
  if ((plan.kind == 0) != index.dense) return complain(c, head, index.dense ? "expected dense" : "unexpectedly dense");
  if (plan.tiles != index.tiles) {
    complain(c, head, "tiles " + std::to_string(plan.tiles) + ", expected " + std::to_string(index.tiles));
  }
  if (!std::equal(index.columns.begin(), index.columns.end(), plan.columns, plan.columns + plan.num_columns)) {
    complain(c, head, "columns differ");
  }
  for (int64_t r = 0; r * c.geometry.block_m < c.rows[b]; ++r) {
    const RowBlock block = RowBlock::at(r, c.geometry.block_m, c.past[b], c.rows[b], c.window);
    std::vector<KeyRange> found;
    for (BlockRanges ranges(plan, block, r, c.geometry.key_align); ranges.next();) found.push_back(ranges.range);
    const bool same = std::equal(
        index.ranges.begin() + index.range_offsets[r], index.ranges.begin() + index.range_offsets[r + 1], found.begin(),
        found.end(), [](const KeyRange& x, const KeyRange& y) { return x.begin == y.begin && x.end == y.end; });
    if (same) continue;
    std::string text = "ranges of row block " + std::to_string(r) + ":";
    for (const KeyRange& range : found) text += " " + std::to_string(range.begin) + "-" + std::to_string(range.end);
    text += ", expected";
    for (int64_t i = index.range_offsets[r]; i < index.range_offsets[r + 1]; ++i) {
      text += " " + std::to_string(index.ranges[i].begin) + "-" + std::to_string(index.ranges[i].end);
    }
    return complain(c, head, text);
  }
}

void check_schedule(const Case& c, const Plans& plans, int64_t seqlen) {
  const int64_t rows = int64_t{c.geometry.block_m} * c.geometry.blocks_per_item, items = (seqlen + rows - 1) / rows;
  if (plans.schedule.num_items != c.batch * c.heads * items) complain(c, -1, "number of work items");
  std::set<std::pair<int32_t, int32_t>> seen;
  for (int64_t i = 0; i < plans.schedule.num_items; ++i) {
    const WorkItem item = plans.schedule.items[i];
    if (item.head < 0 || item.head >= c.batch * c.heads || item.block < 0 || item.block >= items) {
      return complain(c, -1, "a work item out of bounds");
    }
    seen.insert({item.head, item.block});
  }
  if (static_cast<int64_t>(seen.size()) != plans.schedule.num_items) complain(c, -1, "a work item comes twice");
}

template <typename T>
void run_case(Case c) {
  for (HeadPattern& pattern : c.patterns) pattern.flags |= kNoFallback;
  const int64_t seqlen = *std::max_element(c.rows.begin(), c.rows.end()) + (c.batch > 1 ? 3 : 0);
  int64_t capacity = 0;
  for (int64_t b = 0; b < c.batch; ++b) capacity = std::max<int64_t>(capacity, c.past[b] + c.rows[b]);
  const Operands<T> data(c, seqlen, capacity);
  const Setup s = make_setup(c, data, seqlen, capacity);
  for (const bool keep : {false, true}) {
    Memory memory;
    Planner planner(s.narrow, c.geometry, memory.context, keep);
    const Plans plans = planner.plan(c.patterns.data());
    check_schedule(c, plans, seqlen);
    for (int64_t h = 0; h < c.batch * c.heads; ++h) {
      const SparseIndex index =
          cpu::reference::build_index(s.wide, h / c.heads, h % c.heads, c.patterns[h % c.heads], c.geometry);
      if (c.rows[h / c.heads] > 0) compare_head(c, h, plans.plans[h], index);
    }
  }
  std::printf("%s: %s\n", c.name, failures == 0 ? "ok" : "FAILED");
}

void run(const Case& c) {
  if (c.dtype == DataType::kBFloat16) return run_case<__nv_bfloat16>(c);
  run_case<__half>(c);
}

// The bisection on the CPU, over the reference's cost.
HeadPattern fit_on_cpu(const AttentionParams& p, const KernelGeometry& geometry, const HeadPattern& candidate,
                       int64_t head, double budget) {
  const FitGrid grid(candidate, p.past_lens[0] + p.new_lens[0]);
  const auto affordable = [&](int64_t step) {
    return cpu::reference::build_index(p, 0, head, grid.at(step), geometry).flops <= budget;
  };
  if (grid.steps == 1) return grid.at(0);
  if (affordable(grid.steps - 1)) return grid.at(grid.steps - 1);
  int64_t low = 0;
  for (int64_t high = grid.steps - 1; high - low > 1;) {
    const int64_t middle = low + (high - low) / 2;
    (affordable(middle) ? low : high) = middle;
  }
  return grid.at(low);
}

void run_fit() {
  Case c{.name = "fit", .past = {40}, .rows = {900}};
  c.patterns.assign(c.heads, {0, 0, 0, 0});
  const int64_t capacity = 940;
  const Operands<__half> data(c, 900, capacity);
  const Setup s = make_setup(c, data, 900, capacity);
  const std::vector<HeadPattern> candidates = {
      {2, 30, 800, kFitB}, {2, 100, 500, kFitA | kFitB}, {1, 64, 300, kFitB}, {3, 2, 0, kFitA},
      {2, 30, 100, 0},     {1, 64, 0, kFitA | kFitB},    {2, 500, 10, kFitA}};
  const auto count = static_cast<int64_t>(candidates.size());
  for (const double share : {0.0, 0.3, 0.6, 2.0}) {
    const double tile = 4.0 * c.geometry.block_m * c.geometry.block_n * static_cast<double>(c.d);
    const double budget = share * tile * static_cast<double>(dense_tiles({40, 900, -1}, c.geometry));
    Memory memory;
    Planner planner(s.narrow, c.geometry, memory.context, true);
    ProbeParams probe{};
    probe.candidates = candidates.data();
    probe.num_candidates = count;
    probe.budget_flops = budget;
    const std::vector<HeadPattern> fitted = planner.fit(probe);
    for (int64_t h = 0; h < c.heads; ++h) {
      for (int64_t i = 0; i < count; ++i) {
        const HeadPattern expected = fit_on_cpu(s.wide, c.geometry, candidates[i], h, budget);
        const HeadPattern found = fitted[h * count + i];
        if (found.a == expected.a && found.b == expected.b) continue;
        complain(c, h,
                 "candidate " + std::to_string(i) + ", share " + std::to_string(share) + ": " +
                     std::to_string(found.a) + ", " + std::to_string(found.b) + ", expected " +
                     std::to_string(expected.a) + ", " + std::to_string(expected.b));
      }
    }
    std::vector<HeadPattern> patterns;
    for (int64_t h = 0; h < c.heads; ++h) {
      patterns.push_back(fitted[h * count]);
      patterns.back().flags = kNoFallback;
    }
    const std::vector<PlanCost> costs = planner.costs(planner.plan(patterns.data()), patterns.data());
    for (int64_t h = 0; h < c.heads; ++h) {
      const SparseIndex index = cpu::reference::build_index(s.wide, 0, h, patterns[h], c.geometry);
      if (index.tiles != costs[h].tiles || index.dense != costs[h].dense || index.flops != costs[h].flops) {
        complain(c, h, "costs of the fitted plan");
      }
    }
  }
  std::printf("fit: %s\n", failures == 0 ? "ok" : "FAILED");
}

// A head is dense where the call's costs say that its index would be dearer, and below the crossover.
void run_costs() {
  const HeadPattern pattern{static_cast<int32_t>(PatternKind::kVerticalSlash), 100, 200, 0};
  const CallSpan span{0, 8192, -1};
  const KernelGeometry geometry{128, 64, 1};
  CostModel costs{.sparse_tile = 1};
  const auto expect = [&](const char* what, bool dense) {
    if (surely_dense(costs, pattern, span, geometry, 64) != dense) complain({.name = "costs"}, -1, what);
  };
  expect("a free index is refused", false);
  costs.per_head = 1e12;
  expect("a dear index is taken", true);
  costs.per_head = 0;
  costs.least_context = 8193;
  expect("a context below the crossover is sparse", true);
  costs.least_context = 8192;
  expect("a context at the crossover is dense", false);
  std::printf("costs: %s\n", failures == 0 ? "ok" : "after failures");
}

}  // namespace

int main() {
  const std::vector<HeadPattern> mixed = {{2, 60, 150, 0}, {3, 3, 0, 0}, {1, 70, 130, 0}, {0, 0, 0, 0}};
  const std::vector<HeadPattern> small = {{2, 0, 0, 0}, {2, 10, 40, 0}, {1, 0, 0, 0}, {3, 0, 0, 0}};
  const std::vector<HeadPattern> lists = {{2, 200, 260, 0}, {2, 35, 110, 0}, {2, 0, 103, 0}, {2, 64, 0, 0}};
  const std::vector<HeadPattern> large = {{2, 5000, 5, 0}, {3, 500, 0, 0}, {1, 5, 5000, 0}, {2, 5, 5000, 0}};
  run({.name = "mixed", .patterns = mixed});
  run({.name = "mixed, past", .past = {333}, .rows = {592}, .patterns = mixed});
  run({.name = "mixed, bf16, 128 keys, d 128",
       .d = 128,
       .rows = {640},
       .patterns = mixed,
       .dtype = DataType::kBFloat16,
       .geometry = {128, 128, 1}});
  run({.name = "small", .past = {5}, .rows = {321}, .patterns = small});
  run({.name = "lists", .past = {77}, .rows = {700}, .patterns = lists, .geometry = {64, 64, 1}});
  run({.name = "lists, soft cap, sink", .rows = {530}, .patterns = lists, .softcap = 5, .sink = true, .spread = 2});
  run({.name = "lists, window", .past = {100}, .rows = {450}, .patterns = lists, .window = 200});
  run({.name = "mixed, window", .past = {100}, .rows = {450}, .patterns = mixed, .window = 130});
  run({.name = "mixed, tiny window", .past = {10}, .rows = {300}, .patterns = mixed, .window = 1});
  run({.name = "large", .rows = {300}, .patterns = large});
  for (const int32_t rows : {1, 2, 63, 64, 65, 129}) {
    run({.name = "few rows", .past = {0}, .rows = {rows}, .patterns = mixed});
    run({.name = "few rows, past", .past = {401}, .rows = {rows}, .patterns = lists, .geometry = {64, 128, 1}});
    run({.name = "few rows, past, blocks", .past = {401}, .rows = {rows}, .patterns = mixed});
  }
  run({.name = "batch", .batch = 3, .d = 96, .past = {0, 130, 7}, .rows = {300, 70, 0}, .patterns = mixed});
  run({.name = "d 256, one cache head", .kv_heads = 1, .d = 256, .rows = {260}, .patterns = lists});
  for (const int32_t past : {0, 77, 333, 401}) {
    const KernelGeometry rounded{64, 32, 32, 2};
    run({.name = "rounded", .past = {past}, .rows = {700}, .patterns = lists, .geometry = rounded});
    run({.name = "rounded, mixed", .past = {past}, .rows = {592}, .patterns = mixed, .geometry = rounded});
    run({.name = "rounded, window",
         .past = {past},
         .rows = {450},
         .patterns = lists,
         .window = 130,
         .geometry = rounded});
    run({.name = "rounded, mixed, window",
         .past = {past},
         .rows = {300},
         .patterns = mixed,
         .window = 50,
         .geometry = rounded});
  }
  run({.name = "rounded, batch",
       .batch = 3,
       .past = {0, 130, 7},
       .rows = {300, 70, 0},
       .patterns = mixed,
       .geometry = {64, 32, 32, 2}});
  {
    const KernelGeometry in_place{64, kGranule, kGranule, 2, true};
    for (const int32_t past : {0, 77, 333}) {
      run({.name = "columns in place", .past = {past}, .rows = {700}, .patterns = lists, .geometry = in_place});
      run({.name = "columns in place, mixed", .past = {past}, .rows = {592}, .patterns = mixed, .geometry = in_place});
      run({.name = "columns in place, window",
           .past = {past},
           .rows = {450},
           .patterns = lists,
           .window = 130,
           .geometry = in_place});
    }
    run({.name = "columns in place, more than a warp marks at a time",
         .heads = 2,
         .kv_heads = 1,
         .past = {4500},
         .rows = {70},
         .patterns = {{2, 4400, 300, 0}, {2, 4150, 100, 0}},
         .geometry = in_place});
    run({.name = "columns in place, batch",
         .batch = 3,
         .past = {0, 130, 7},
         .rows = {300, 70, 0},
         .patterns = mixed,
         .geometry = in_place});
  }
  run({.name = "several segments", .past = {900}, .rows = {400}, .patterns = lists});
  run_fit();
  run_costs();
  return failures == 0 ? 0 : 1;
}
