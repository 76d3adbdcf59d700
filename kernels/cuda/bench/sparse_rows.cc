// Sparse prefill: attention over given lists, building the index, and the whole op.
#include <cstdio>

#include "../attention/attend.h"
#include "bench.h"
#include "computed_tiles.h"
#include "planted.h"

namespace minference::cuda::bench {
namespace {

constexpr HeadPattern kVerticalSlash{static_cast<int32_t>(PatternKind::kVerticalSlash), kColumns, kSlashes,
                                     kNoFallback};
constexpr HeadPattern kBlockSparse{static_cast<int32_t>(PatternKind::kBlockSparse), 100, 0, kNoFallback};

struct Case {
  std::string name;
  Shape shape;
  HeadPattern pattern;
};

void add_case(Bench& bench, const Case& c) {
  const std::string rope = c.name + "/rope", index = c.name + "/index", alone = c.name + "/attention",
                    op = c.name + "/op";
  if (!bench.wants(rope) && !bench.wants(index) && !bench.wants(alone) && !bench.wants(op)) return;
  const Context& context = bench.context();
  const Operands operands(c.shape, bench.options().dtype, context.stream);
  std::vector<Lists> lists;
  const bool planted = c.pattern.kind == kVerticalSlash.kind;
  if (planted) lists = plant_lists(operands, context.stream);
  const std::vector<HeadPattern> patterns(static_cast<size_t>(c.shape.heads), c.pattern);
  const AttentionParams p = operands.attention(patterns);
  const KernelGeometry geometry = attention_geometry(c.shape.head_dim);
  rope_and_cache(operands.rope(), context);

  if (bench.wants(rope)) {
    bench.add({.id = rope, .shape = c.shape, .time = bench.time([&] { rope_and_cache(operands.rope(), context); })});
  }
  if (bench.wants(index)) {
    const Time time = bench.time([&] { Planner(p, geometry, context).plan(p.patterns); });
    bench.add({.id = index, .shape = c.shape, .time = time, .bytes = static_cast<double>(bench.scratch().used())});
  }
  bench.scratch().reset();
  Planner planner(p, geometry, context);
  const Plans plans = planner.plan(p.patterns);
  const ComputedTiles tiles = count_tiles_of(p, planner, plans, geometry);
  const std::string note =
      describe_share(tiles, c.shape) + "; " + (planted ? compare_with_planted(p, plans, lists) : "");
  if (bench.wants(alone)) {
    const Time time = bench.time_keeping_scratch([&] { attend(p, plans, geometry, context); });
    bench.add({.id = alone, .shape = c.shape, .time = time, .flops = tiles.flops, .note = note});
  } else {
    std::printf("%s: %s\n", c.name.c_str(), note.c_str());
  }
  if (bench.wants(op)) {
    // As a model calls it: the fallback to dense may step in.
    std::vector<HeadPattern> with_fallback = patterns;
    for (HeadPattern& pattern : with_fallback) pattern.flags = 0;
    const AttentionParams whole = operands.attention(with_fallback);
    const Time time = bench.time([&] {
      rope_and_cache(operands.rope(), context);
      attention(whole, context);
    });
    bench.add({.id = op, .shape = c.shape, .time = time});
  }
}

}  // namespace

void add_sparse_rows(Bench& bench) {
  add_case(bench, {"vs-128k", {bench.tokens(128), 32, 8, 128}, kVerticalSlash});
  if (bench.options().quick) return;
  add_case(bench, {"vs-512k", {bench.tokens(512), 4, 1, 128}, kVerticalSlash});
  add_case(bench, {"vs-1m", {bench.tokens(1024), 4, 1, 128}, kVerticalSlash});
}

void add_block_rows(Bench& bench) { add_case(bench, {"blocks-128k", {bench.tokens(128), 32, 8, 128}, kBlockSparse}); }

// What one layer of 32 heads asks for beyond its operands, at 1M keys; and its time.
void add_memory_row(Bench& bench) {
  const std::string id = "vs-1m-32-heads/op";
  if (!bench.wants(id) || bench.options().quick) return;
  const Shape shape{bench.tokens(1024), 32, 8, 128};
  const Operands operands(shape, bench.options().dtype, bench.context().stream);
  const std::vector<Lists> lists = plant_lists(operands, bench.context().stream);
  std::vector<HeadPattern> patterns(static_cast<size_t>(shape.heads), kVerticalSlash);
  for (HeadPattern& pattern : patterns) pattern.flags = 0;
  const AttentionParams p = operands.attention(patterns);
  const Time time = bench.time([&] {
    rope_and_cache(operands.rope(), bench.context());
    attention(p, bench.context());
  });
  bench.add({.id = id,
             .shape = shape,
             .time = time,
             .bytes = static_cast<double>(bench.scratch().used()),
             .note = "of scratch memory"});
}

}  // namespace minference::cuda::bench
