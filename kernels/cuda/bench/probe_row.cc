#include <cstdio>

#include "bench.h"

namespace minference::cuda::bench {
namespace {

constexpr int32_t kind(PatternKind of) { return static_cast<int32_t>(of); }

// The paper's space (Table 7) and two more columns and diagonals, every one fitted to the budget.
const std::vector<HeadPattern> kCandidates{
    {kind(PatternKind::kAShape), 1024, 4096, kFitB},       {kind(PatternKind::kVerticalSlash), 30, 2048, kFitB},
    {kind(PatternKind::kVerticalSlash), 100, 1800, kFitB}, {kind(PatternKind::kVerticalSlash), 500, 1500, kFitB},
    {kind(PatternKind::kVerticalSlash), 3000, 200, kFitA}, {kind(PatternKind::kVerticalSlash), 1000, 1000, kFitB},
    {kind(PatternKind::kVerticalSlash), 2000, 500, kFitA}, {kind(PatternKind::kBlockSparse), 100, 0, kFitA},
};

// Rows of a_shape 1024, 4096: the paper's budget.
double paper_budget(const Shape& s) { return 4.0 * static_cast<double>(s.head_dim * s.tokens) * (1024 + 4096); }

}  // namespace

// The scores of 8 candidates for every head; the probe waits for the device in between, which counts as well.
void add_probe_row(Bench& bench) {
  const std::string id = "probe-32k";
  if (!bench.wants(id)) return;
  const Shape shape{bench.tokens(32), 32, 8, 128};
  const Operands operands(shape, bench.options().dtype, bench.context().stream);
  rope_and_cache(operands.rope(), bench.context());
  const size_t scores = static_cast<size_t>(shape.heads) * kCandidates.size() * kScoreFields * sizeof(float);
  const DeviceBlock block(scores);
  ProbeParams p{};
  p.attention = operands.attention();
  p.candidates = kCandidates.data();
  p.num_candidates = static_cast<int64_t>(kCandidates.size());
  p.budget_flops = paper_budget(shape);
  p.scores = static_cast<float*>(block.get());
  const Time time = bench.time([&] { probe(p, bench.context()); });
  bench.add({.id = id,
             .shape = shape,
             .time = time,
             .bytes = static_cast<double>(bench.scratch().used()),
             .note = std::to_string(kCandidates.size()) + " candidates; bytes: scratch memory"});
}

}  // namespace minference::cuda::bench
