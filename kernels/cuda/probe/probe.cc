#include <cmath>
#include <limits>
#include <vector>

#include "../../shared/fit_grid.h"
#include "../attention/attend.h"
#include "../common/check.h"
#include "../common/check_params.h"
#include "../plan/planner.h"
#include "deviation.h"
#include "stopwatch.h"

namespace minference::cuda {
namespace {

constexpr HeadPattern kDensePattern{static_cast<int32_t>(PatternKind::kDense), 0, 0, kNoFallback};
// Sees no key: heads whose candidate is dense have their result already.
constexpr HeadPattern kNothing{static_cast<int32_t>(PatternKind::kAShape), 0, 0, kNoFallback};

float relative_error(double difference, double norm) {
  if (std::isnan(difference + norm)) return std::numeric_limits<float>::quiet_NaN();
  return static_cast<float>(norm > 0 ? std::sqrt(difference / norm) : difference > 0 ? 1.0 : 0.0);
}

// Scores of one head and candidate, as ScoreField orders them.
struct Score {
  double error_all = 0, error_last = 0, recall = 1, tiles = 0, flops = 0, microseconds = 0;
};

class Probe {
 public:
  Probe(const ProbeParams& params, const Context& context)
      : params_(params),
        context_(context),
        attention_(params.attention),
        heads_(params.attention.shape.num_heads),
        rows_(params.attention.new_lens[0]),
        total_(int64_t{params.attention.past_lens[0]} + rows_),
        geometry_(attention_geometry(params.attention.shape.head_dim)),
        dense_(static_cast<size_t>(heads_), kDensePattern),
        watch_(context.stream),
        scores_(static_cast<size_t>(heads_ * params.num_candidates * kScoreFields)) {
    attention_.patterns = dense_.data();
    if (attention_.lse == nullptr) attention_.lse = allocate_lse();
  }

  void run() {
    Planner planner(attention_, geometry_, context_, true);
    attend_dense(planner);
    if (rows_ == 0) return score_nothing();
    time_estimates(planner);
    const std::vector<HeadPattern> fitted = planner.fit(params_);
    AttentionParams sparse = attention_;
    const AttentionShape& shape = attention_.shape;
    sparse.out = context_.allocate(static_cast<size_t>(shape.seqlen_q * heads_ * shape.head_dim) * sizeof(uint16_t));
    sparse.lse = allocate_lse();
    for (int64_t c = 0; c < params_.num_candidates; ++c) score_candidate(planner, sparse, fitted, c);
    write_scores();
  }

 private:
  float* allocate_lse() {
    return static_cast<float*>(
        context_.allocate(static_cast<size_t>(heads_ * params_.attention.shape.seqlen_q) * sizeof(float)));
  }

  void attend_dense(Planner& planner) {
    const Plans plans = planner.plan(dense_.data());
    watch_.start();
    attend(attention_, plans, geometry_, context_);
    watch_.stop();
    dense_microseconds_ = watch_.microseconds() / static_cast<double>(heads_);
    // Against itself: off by nothing, or by NaN where the head has one.
    dense_deviations_ = measure_deviation(attention_, attention_.out, attention_.lse, context_);
  }

  // The estimates serve all candidates of their kind; each is charged for them as if it were the only one.
  void time_estimates(Planner& planner) {
    for (const PatternKind kind : {PatternKind::kVerticalSlash, PatternKind::kBlockSparse}) {
      bool wanted = false;
      for (int64_t i = 0; i < heads_ * params_.num_candidates; ++i) {
        wanted = wanted || params_.candidate(i / params_.num_candidates, i % params_.num_candidates).kind ==
                               static_cast<int32_t>(kind);
      }
      if (!wanted) continue;
      watch_.start();
      planner.prepare(kind);
      watch_.stop();
      estimate_microseconds_[static_cast<int>(kind)] = watch_.microseconds();
    }
  }

  void score_candidate(Planner& planner, AttentionParams& sparse, const std::vector<HeadPattern>& fitted, int64_t c) {
    std::vector<HeadPattern> patterns;
    int64_t sparse_heads = 0;
    for (int64_t h = 0; h < heads_; ++h) {
      HeadPattern pattern = fitted[static_cast<size_t>(h * params_.num_candidates + c)];
      pattern.flags = kNoFallback;
      const bool dense = covers_context(pattern, total_);
      if (!dense) ++sparse_heads;
      patterns.push_back(dense ? kNothing : pattern);
    }
    std::vector<PlanCost> costs;
    std::vector<Deviation> deviations;
    double attention_microseconds = 0, index_microseconds = 0;
    if (sparse_heads > 0) {
      sparse.patterns = patterns.data();
      watch_.start();
      const Plans plans = planner.plan(patterns.data());
      watch_.stop();
      index_microseconds = watch_.microseconds();
      watch_.start();
      attend(sparse, plans, geometry_, context_);
      watch_.stop();
      attention_microseconds = watch_.microseconds();
      deviations = measure_deviation(attention_, sparse.out, sparse.lse, context_);
      costs = planner.costs(plans, patterns.data());
    }
    double all_tiles = 0;
    for (const PlanCost& cost : costs) all_tiles += static_cast<double>(cost.tiles);
    for (int64_t h = 0; h < heads_; ++h) {
      const HeadPattern& pattern = fitted[static_cast<size_t>(h * params_.num_candidates + c)];
      if (covers_context(pattern, total_)) {
        set(h, c, pattern, dense_score(h));
        continue;
      }
      const Deviation& deviation = deviations[static_cast<size_t>(h)];
      const PlanCost& cost = costs[static_cast<size_t>(h)];
      const double tiles = static_cast<double>(cost.tiles);
      // All heads run at once: what they take together is shared out by tiles, and that of the index evenly.
      set(h, c, pattern,
          {.error_all = relative_error(deviation.difference, deviation.norm),
           .error_last = relative_error(deviation.last_difference, deviation.last_norm),
           .recall = deviation.recall / static_cast<double>(rows_),
           .tiles = tiles,
           .flops = cost.flops,
           .microseconds =
               (index_microseconds + estimate_microseconds_[pattern.kind]) / static_cast<double>(sparse_heads) +
               (all_tiles > 0 ? attention_microseconds * tiles / all_tiles : 0)});
    }
  }

  Score dense_score(int64_t head) const {
    const Deviation& deviation = dense_deviations_[static_cast<size_t>(head)];
    const double tiles = static_cast<double>(
        dense_tiles({params_.attention.past_lens[0], rows_, params_.attention.local_window}, geometry_));
    return {.error_all = relative_error(deviation.difference, deviation.norm),
            .error_last = relative_error(deviation.last_difference, deviation.last_norm),
            .recall = deviation.recall / static_cast<double>(rows_),
            .tiles = tiles,
            .flops = 4.0 * geometry_.block_m * geometry_.block_n *
                     static_cast<double>(params_.attention.shape.head_dim) * tiles,
            .microseconds = dense_microseconds_};
  }

  // A call without rows: nothing to fit, to lose or to pay.
  void score_nothing() {
    for (int64_t h = 0; h < heads_; ++h) {
      for (int64_t c = 0; c < params_.num_candidates; ++c) set(h, c, params_.candidate(h, c), {});
    }
    write_scores();
  }

  void set(int64_t head, int64_t candidate, const HeadPattern& fitted, const Score& score) {
    float* fields = scores_.data() + (head * params_.num_candidates + candidate) * kScoreFields;
    fields[kErrorAll] = static_cast<float>(score.error_all);
    fields[kErrorLast] = static_cast<float>(score.error_last);
    fields[kMassRecall] = static_cast<float>(score.recall);
    fields[kTiles] = static_cast<float>(score.tiles);
    fields[kFlops] = static_cast<float>(score.flops);
    fields[kMicroseconds] = static_cast<float>(score.microseconds);
    fields[kFittedA] = static_cast<float>(fitted.a);
    fields[kFittedB] = static_cast<float>(fitted.b);
  }

  void write_scores() {
    if (scores_.empty()) return;
    check(cudaMemcpyAsync(params_.scores, scores_.data(), scores_.size() * sizeof(float), cudaMemcpyHostToDevice,
                          context_.stream),
          "writing the scores");
    check(cudaStreamSynchronize(context_.stream), "writing the scores");
  }

  const ProbeParams& params_;
  const Context& context_;
  AttentionParams attention_;
  int64_t heads_, rows_, total_;
  KernelGeometry geometry_;
  std::vector<HeadPattern> dense_;
  Stopwatch watch_;
  double dense_microseconds_ = 0;
  std::vector<Deviation> dense_deviations_;  // by head
  double estimate_microseconds_[4] = {};     // by PatternKind
  std::vector<float> scores_;
};

}  // namespace

void probe(const ProbeParams& params, const Context& context) {
  check_probe(params);
  Probe(params, context).run();
}

}  // namespace minference::cuda
