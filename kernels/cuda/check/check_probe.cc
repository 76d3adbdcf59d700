#include <cmath>

#include "attention_case.h"
#include "minference/cpu.h"

namespace minference::cuda::check_kernels {
namespace {

struct ProbeCase {
  AttentionCase attention;
  std::vector<HeadPattern> candidates;
  double budget;  // share of dense FLOPs
};

std::string at(int64_t head, int64_t candidate, const char* field, float expected, float found) {
  return "head " + std::to_string(head) + ", candidate " + std::to_string(candidate) + ": expected " + field + " " +
         std::to_string(expected) + ", found " + std::to_string(found);
}

std::string run_case(const ProbeCase& c, DataType dtype, std::string& note) {
  AttentionOperands operands(c.attention, dtype);
  const AttentionCase& a = c.attention;
  const KernelGeometry geometry = attention_geometry(a.head_dim);
  const auto candidates = static_cast<int64_t>(c.candidates.size());
  const auto size = static_cast<size_t>(a.heads * candidates * kScoreFields);
  const double total = static_cast<double>(a.past[0] + a.rows);
  const double dense =
      2.0 * static_cast<double>(a.head_dim) * static_cast<double>(a.rows) * (2 * total - static_cast<double>(a.rows));

  ProbeParams p{};
  p.attention = operands.device();
  p.attention.patterns = nullptr;
  p.candidates = c.candidates.data();
  p.num_candidates = candidates;
  p.budget_flops = c.budget * dense;
  p.scores = static_cast<float*>(operands.memory().allocate(size * sizeof(float)));
  probe(p, operands.memory().context());
  const auto found = download<float>(p.scores, size);

  std::vector<float> expected(size);
  const auto rows = static_cast<size_t>(a.rows * a.heads);
  std::vector<float> out(rows * static_cast<size_t>(a.head_dim)), lse(rows);
  ProbeParams host = p;
  host.attention = operands.host();
  host.attention.out = out.data();
  host.attention.lse = lse.data();
  host.scores = expected.data();
  cpu::probe_reference(host, geometry);

  double worst = 0;
  for (int64_t h = 0; h < a.heads; ++h) {
    for (int64_t k = 0; k < candidates; ++k) {
      const float* e = expected.data() + (h * candidates + k) * kScoreFields;
      const float* f = found.data() + (h * candidates + k) * kScoreFields;
      for (const auto& [field, name] :
           {std::pair{kFittedA, "a"}, std::pair{kFittedB, "b"}, std::pair{kTiles, "tiles"}}) {
        if (e[field] != f[field]) return at(h, k, name, e[field], f[field]);
      }
      if (std::abs(f[kFlops] / e[kFlops] - 1) > 1e-5f) return at(h, k, "flops", e[kFlops], f[kFlops]);
      const float slack = dtype == DataType::kFloat16 ? 3e-3f : 2e-2f;
      for (const auto& [field, name] :
           {std::pair{kErrorAll, "error"}, std::pair{kErrorLast, "last error"}, std::pair{kMassRecall, "recall"}}) {
        if (std::isnan(f[field]) && std::isnan(e[field])) continue;
        const float off = std::abs(f[field] - e[field]);
        if (!(off <= slack)) return at(h, k, name, e[field], f[field]);
        worst = std::max<double>(worst, off);
      }
      if (!(f[kMicroseconds] >= 0)) return at(h, k, "microseconds", 0, f[kMicroseconds]);
    }
  }
  // The op's output is the dense one.
  AttentionCase dense_case = a;
  dense_case.patterns = {kDensePattern};
  std::string off;
  const std::string problem = compare_with_reference(dense_case, operands, geometry, dtype, off);
  char text[96];
  std::snprintf(text, sizeof(text), "scores off by %.1e, output %s", worst, off.c_str());
  note = text;
  return problem;
}

}  // namespace

void add_probe_checks(std::vector<Check>& checks) {
  const std::vector<HeadPattern> candidates{
      kDensePattern,
      a_shape(16, 100),
      vertical_slash(40, 150),
      block_sparse(2),
      vertical_slash(9000, 1),
      {1, 64, 128, kNoFallback | kFitB},
      {2, 100, 150, kNoFallback | kFitB},
      {2, 100, 200, kNoFallback | kFitA | kFitB},
      {3, 4, 0, kNoFallback | kFitA},
  };
  const std::vector<ProbeCase> cases{
      {{.name = "400 rows", .rows = 400}, candidates, 0.4},
      {{.name = "700 rows, head size 128", .rows = 700, .heads = 2, .kv_heads = 1, .head_dim = 128}, candidates, 0.5},
      {{.name = "nothing is within the budget", .rows = 200}, candidates, 0.0},
      {{.name = "everything is within the budget", .rows = 200}, candidates, 9.0},
      {{.name = "130 rows after 200", .rows = 130, .past = {200}}, candidates, 0.4},
      {{.name = "one row", .rows = 1}, candidates, 0.4},
      {{.name = "softcap, window and sinks", .rows = 300, .softcap = 5, .window = 120, .sinks = true}, candidates, 0.4},
      {{.name = "no candidates", .rows = 100}, {}, 0.4},
      {{.name = "NaN query", .rows = 300, .poison = {{'q', 280, 1, 5, NAN}}}, candidates, 0.4},
      {{.name = "NaN value", .rows = 200, .poison = {{'v', 90, 0, 5, NAN}}}, candidates, 0.4},
      {{.name = "infinite value", .rows = 200, .poison = {{'v', 150, 1, 5, -INFINITY}}}, candidates, 0.4},
      {{.name = "infinite key", .rows = 200, .poison = {{'k', 30, 0, 5, INFINITY}}}, candidates, 0.4},
  };
  for (const ProbeCase& c : cases) {
    for (const DataType dtype : {DataType::kFloat16, DataType::kBFloat16}) {
      const char* type = dtype == DataType::kFloat16 ? ", float16" : ", bfloat16";
      checks.push_back({"probe: " + c.attention.name + type,
                        [c, dtype](std::string& note) { return run_case(c, dtype, note); },
                        dtype == DataType::kBFloat16});
    }
  }
}

}  // namespace minference::cuda::check_kernels
