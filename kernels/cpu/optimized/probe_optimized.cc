#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <vector>

#include "../../shared/check_params.h"
#include "../index/head_indexer.h"
#include "kv_waves.h"
#include "minference/cpu.h"
#include "row_block_kernel.h"
#include "run_tasks.h"

namespace minference::cpu {
namespace {

using Clock = std::chrono::steady_clock;

double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

// Sums over the rows of one row block, or of a head.
struct Deviation {
  double difference = 0, norm = 0;            // squared, all rows
  double last_difference = 0, last_norm = 0;  // of the last kLastQ rows
  double recall = 0;
  double microseconds = 0;

  void add(const Deviation& other) {
    difference += other.difference;
    norm += other.norm;
    last_difference += other.last_difference;
    last_norm += other.last_norm;
    recall += other.recall;
    microseconds += other.microseconds;
  }
};

float relative_error(double difference, double norm) {
  if (std::isnan(difference + norm)) return std::numeric_limits<float>::quiet_NaN();
  return static_cast<float>(norm > 0 ? std::sqrt(difference / norm) : difference > 0 ? 1.0 : 0.0);
}

// A candidate of one head, with the sizes it was fitted to.
struct Candidate {
  HeadPlan plan;
  PlanCost cost;
  double index_microseconds = 0;
};

// Scratch of one worker.
class ProbeKernel {
 public:
  ProbeKernel(const KernelTable& kernels, const AttentionParams& params)
      : kernels_(kernels),
        params_(params),
        rows_(kernels, params),
        stored_(params.shape.head_dim * sizeof(float)),
        sparse_(params.shape.head_dim),
        dense_(params.shape.head_dim) {}

  struct Dense {
    double microseconds;
    double sum;  // of all elements: NaN when any is
  };

  Dense attend_dense(const PlannedHead& head, int64_t row_block) {
    const Clock::time_point start = Clock::now();
    rows_.compute(head, row_block);
    double sum = 0;
    for (int64_t r = 0; r < rows_.block().rows; ++r) {
      const int64_t row = row_block * kRowBlock + r;
      rows_.store_row(r, head.view.head, head.view.out(row));
      *head.view.lse(row) = rows_.lse(r);
      kernels_.to_float(head.view.out(row), head.view.half(), params_.shape.head_dim, dense_.data());
      sum += std::accumulate(dense_.begin(), dense_.end(), 0.0);
    }
    return {microseconds_since(start), sum};
  }

  // Compares with the dense result that out and lse hold, in the output's precision.
  Deviation compare(const PlannedHead& head, int64_t row_block) {
    const Clock::time_point start = Clock::now();
    rows_.compute(head, row_block);
    Deviation deviation{.microseconds = microseconds_since(start)};
    const int64_t d = params_.shape.head_dim;
    for (int64_t r = 0; r < rows_.block().rows; ++r) {
      const int64_t row = row_block * kRowBlock + r;
      rows_.store_row(r, head.view.head, stored_.data());
      kernels_.to_float(stored_.data(), head.view.half(), d, sparse_.data());
      kernels_.to_float(head.view.out(row), head.view.half(), d, dense_.data());
      double difference = 0, norm = 0;
      for (int64_t e = 0; e < d; ++e) {
        const double x = dense_[e], delta = sparse_[e] - x;
        difference += delta * delta;
        norm += x * x;
      }
      deviation.difference += difference;
      deviation.norm += norm;
      if (row >= head.view.rows - kLastQ) {
        deviation.last_difference += difference;
        deviation.last_norm += norm;
      }
      const double lse = *head.view.lse(row);
      deviation.recall += std::isinf(lse) ? 1.0 : std::exp(rows_.lse(r) - lse);
    }
    return deviation;
  }

 private:
  const KernelTable& kernels_;
  const AttentionParams& params_;
  RowBlockKernel rows_;
  std::vector<char> stored_;
  std::vector<float> sparse_, dense_;
};

class Probe {
 public:
  Probe(const ProbeParams& params, const ParallelFor& parallel)
      : probe_(params), params_(params.attention), parallel_(parallel), table_(kernels()) {
    if (params_.lse == nullptr) {
      lse_.resize(params_.shape.num_heads * params_.shape.seqlen_q);
      params_.lse = lse_.data();
    }
  }

  void run() {
    const int64_t group = params_.shape.num_heads / params_.shape.num_kv_heads;
    for (std::vector<KvUnit>& wave : kv_waves(params_)) {
      pack_wave(table_, params_, wave, parallel_);
      for (const KvUnit& unit : wave) {
        for (int64_t h = 0; h < group; ++h) attend_dense(HeadView(params_, 0, unit.kv_head * group + h), *unit.kv);
      }
      std::vector<std::vector<Candidate>> candidates = fit_candidates(wave, group);
      for (size_t i = 0; i < candidates.size(); ++i) {
        const KvUnit& unit = wave[i / group];
        score_head(HeadView(params_, 0, unit.kv_head * group + static_cast<int64_t>(i) % group), *unit.kv,
                   candidates[i]);
      }
      wave.clear();
    }
    if (params_.new_lens[0] == 0) score_nothing();
  }

 private:
  void attend_dense(const HeadView& view, const PackedKv& kv) {
    HeadPlan plan;
    plan.dense = true;
    const PlannedHead head(table_, view, kv, std::move(plan));
    const int64_t blocks = head.span.row_blocks();
    std::vector<ProbeKernel::Dense> results(blocks);
    run_tasks(parallel_, blocks, [&]() -> TaskRunner {
      auto kernel = std::make_shared<ProbeKernel>(table_, params_);
      return [&, kernel](int64_t t) {
        const int64_t block = blocks - 1 - t;  // the last block is the longest
        results[block] = kernel->attend_dense(head, block);
      };
    });
    dense_.resize(params_.shape.num_heads);
    for (const ProbeKernel::Dense& result : results) {
      dense_[view.head].microseconds += result.microseconds;
      dense_[view.head].sum += result.sum;
    }
  }

  std::vector<std::vector<Candidate>> fit_candidates(const std::vector<KvUnit>& wave, int64_t group) {
    std::vector<std::vector<Candidate>> candidates(wave.size() * group);
    run_tasks(parallel_, static_cast<int64_t>(candidates.size()), [&]() -> TaskRunner {
      return [&](int64_t t) {
        const KvUnit& unit = wave[t / group];
        const HeadView view(params_, 0, unit.kv_head * group + t % group);
        const CallSpan span{view.past, view.rows, params_.local_window};
        HeadIndexer indexer(table_, view, *unit.kv);
        for (int64_t c = 0; c < probe_.num_candidates; ++c) {
          const HeadPattern fitted = indexer.fit(probe_.candidate(view.head, c), probe_.budget_flops).pattern;
          const Clock::time_point start = Clock::now();
          Candidate candidate{.plan = indexer.plan(fitted), .cost = {}};
          candidate.index_microseconds = microseconds_since(start);
          if (!candidate.plan.dense)
            candidate.index_microseconds += indexer.estimate_microseconds(PatternKind{fitted.kind});
          candidate.cost = count_cost(candidate.plan, span, view.d());
          candidates[t].push_back(std::move(candidate));
        }
      };
    });
    return candidates;
  }

  void score_head(const HeadView& view, const PackedKv& kv, std::vector<Candidate>& candidates) {
    std::vector<std::unique_ptr<PlannedHead>> heads(candidates.size());
    run_tasks(parallel_, static_cast<int64_t>(candidates.size()), [&]() -> TaskRunner {
      return [&](int64_t c) {
        const Clock::time_point start = Clock::now();
        heads[c] = std::make_unique<PlannedHead>(table_, view, kv, std::move(candidates[c].plan));
        candidates[c].index_microseconds += microseconds_since(start);
      };
    });
    struct Task {
      size_t candidate;
      int64_t block;
      int32_t tiles;
    };
    std::vector<Task> tasks;
    for (size_t c = 0; c < candidates.size(); ++c) {
      if (heads[c]->plan.dense) continue;
      for (int64_t block = 0; block < heads[c]->span.row_blocks(); ++block) {
        tasks.push_back({c, block, candidates[c].cost.block_tiles[block]});
      }
    }
    std::stable_sort(tasks.begin(), tasks.end(), [](const Task& x, const Task& y) { return x.tiles > y.tiles; });
    std::vector<Deviation> parts(tasks.size());
    run_tasks(parallel_, static_cast<int64_t>(tasks.size()), [&]() -> TaskRunner {
      auto kernel = std::make_shared<ProbeKernel>(table_, params_);
      return [&, kernel](int64_t t) { parts[t] = kernel->compare(*heads[tasks[t].candidate], tasks[t].block); };
    });
    std::vector<Deviation> sums(candidates.size());
    for (size_t t = 0; t < tasks.size(); ++t) sums[tasks[t].candidate].add(parts[t]);
    for (size_t c = 0; c < candidates.size(); ++c) {
      const bool dense = heads[c]->plan.dense;
      // Equal to the dense result, unless that is NaN, which is nobody's equal.
      const double nothing = dense_[view.head].sum * 0;
      if (dense) {
        sums[c] = {.difference = nothing,
                   .last_difference = nothing,
                   .recall = static_cast<double>(view.rows) + nothing,
                   .microseconds = dense_[view.head].microseconds};
      }
      sums[c].microseconds += candidates[c].index_microseconds;
      write_scores(view, c, heads[c]->plan.pattern, candidates[c].cost, sums[c]);
    }
  }

  void write_scores(const HeadView& view, size_t candidate, const HeadPattern& fitted, const PlanCost& cost,
                    const Deviation& sum) {
    float* scores =
        probe_.scores + (view.head * probe_.num_candidates + static_cast<int64_t>(candidate)) * kScoreFields;
    scores[kErrorAll] = relative_error(sum.difference, sum.norm);
    scores[kErrorLast] = relative_error(sum.last_difference, sum.last_norm);
    scores[kMassRecall] = static_cast<float>(view.rows == 0 ? 1.0 : sum.recall / static_cast<double>(view.rows));
    scores[kTiles] = static_cast<float>(cost.tiles);
    scores[kFlops] = static_cast<float>(cost.flops);
    scores[kMicroseconds] = static_cast<float>(sum.microseconds);
    scores[kFittedA] = static_cast<float>(fitted.a);
    scores[kFittedB] = static_cast<float>(fitted.b);
  }

  // A call without rows: nothing to fit, to lose or to pay.
  void score_nothing() {
    for (int64_t h = 0; h < params_.shape.num_heads; ++h) {
      for (int64_t c = 0; c < probe_.num_candidates; ++c) {
        write_scores(HeadView(params_, 0, h), c, probe_.candidate(h, c), {}, {});
      }
    }
  }

  const ProbeParams& probe_;
  AttentionParams params_;
  const ParallelFor& parallel_;
  const KernelTable& table_;
  std::vector<float> lse_;
  std::vector<ProbeKernel::Dense> dense_;
};

}  // namespace

void probe_optimized(const ProbeParams& params, const ParallelFor& parallel) {
  contract::check_probe(params);
  Probe(params, parallel).run();
}

}  // namespace minference::cpu
