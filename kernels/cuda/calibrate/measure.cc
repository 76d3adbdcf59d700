#include "measure.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <vector>

#include "../attention/attend.h"
#include "../common/check.h"
#include "../probe/stopwatch.h"
#include "fill.h"

namespace minference::cuda {
namespace {

constexpr int64_t kHeads = 8, kKvHeads = 2, kHeadDim = 128;
constexpr int kRuns = 3;
constexpr size_t kScratchBytes = size_t{128} << 20;

struct FreeDevice {
  void operator()(void* pointer) const { cudaFree(pointer); }
};
using DevicePointer = std::unique_ptr<void, FreeDevice>;

DevicePointer allocate(size_t bytes) {
  void* pointer = nullptr;
  check(cudaMalloc(&pointer, bytes), "allocating memory to measure with");
  return DevicePointer(pointer);
}

struct DestroyStream {
  void operator()(cudaStream_t stream) const { cudaStreamDestroy(stream); }
};

class Measurement {
 public:
  explicit Measurement(int64_t longest) {
    cudaStream_t stream;
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "creating a stream");
    stream_.reset(stream);
    context_ = {stream, [this](size_t bytes) { return take(bytes); }};
    const int64_t queries = longest * kHeads * kHeadDim, keys = longest * kKvHeads * kHeadDim;
    q_ = noise(queries, 1);
    k_ = noise(keys, 2);
    v_ = noise(keys, 3);
    out_ = allocate(queries * sizeof(uint16_t));
    scratch_ = allocate(kScratchBytes);
  }

  Measurement(const Measurement&) = delete;
  Measurement& operator=(const Measurement&) = delete;

  // Microseconds of building the plans of a call on `n` rows, all heads with one pattern.
  double plan(int64_t n, const HeadPattern& pattern) {
    return time(n, pattern, [](Planner& planner, const HeadPattern* patterns) { planner.plan(patterns); });
  }

  // Of plans and attention.
  double whole(int64_t n, const HeadPattern& pattern) {
    return time(n, pattern, [this](Planner& planner, const HeadPattern* patterns) {
      attend(params_, planner.plan(patterns), attention_geometry(kHeadDim), context_);
    });
  }

  // Tiles of one head.
  double tiles(int64_t n, const HeadPattern& pattern) {
    double tiles = 0;
    time(n, pattern, [&](Planner& planner, const HeadPattern* patterns) {
      tiles = static_cast<double>(planner.costs(planner.plan(patterns), patterns)[0].tiles);
    });
    return tiles;
  }

 private:
  DevicePointer noise(int64_t count, uint32_t seed) {
    DevicePointer memory = allocate(count * sizeof(uint16_t));
    fill_with_noise(memory.get(), count, seed, stream_.get());
    return memory;
  }

  void set_length(int64_t n) {
    length_ = static_cast<int32_t>(n);
    params_ = {.shape = {1, n, kHeads, kKvHeads, kHeadDim, n},
               .dtype = DataType::kFloat16,
               .q = q_.get(),
               .q_stride_batch = n * kHeads * kHeadDim,
               .q_stride_seq = kHeads * kHeadDim,
               .q_stride_head = kHeadDim,
               .k = k_.get(),
               .v = v_.get(),
               .out = out_.get(),
               .lse = nullptr,
               .past_lens = &past_,
               .new_lens = &length_,
               .sm_scale = 1 / std::sqrt(static_cast<float>(kHeadDim)),
               .softcap = 0,
               .local_window = -1,
               .head_sink = nullptr,
               .patterns = nullptr};
  }

  // Median of some runs, after one that is not counted.
  double time(int64_t n, const HeadPattern& pattern, const std::function<void(Planner&, const HeadPattern*)>& run) {
    set_length(n);
    const std::vector<HeadPattern> patterns(kHeads, pattern);
    params_.patterns = patterns.data();
    Stopwatch watch(stream_.get());
    std::vector<double> times;
    for (int i = -1; i < kRuns; ++i) {
      used_ = 0;
      watch.start();
      Planner planner(params_, attention_geometry(kHeadDim), context_);
      run(planner, patterns.data());
      watch.stop();
      const double microseconds = watch.microseconds();
      if (i >= 0) times.push_back(microseconds);
    }
    std::sort(times.begin(), times.end());
    return times[kRuns / 2];
  }

  void* take(size_t bytes) {
    const size_t at = used_;
    used_ += (bytes + 255) / 256 * 256;
    if (used_ > kScratchBytes) throw CudaError("measuring needs more scratch memory than expected");
    return static_cast<unsigned char*>(scratch_.get()) + at;
  }

  std::unique_ptr<CUstream_st, DestroyStream> stream_;
  DevicePointer q_, k_, v_, out_, scratch_;
  size_t used_ = 0;
  int32_t past_ = 0, length_ = 0;
  AttentionParams params_{};
  Context context_{};
};

constexpr HeadPattern kDense{static_cast<int32_t>(PatternKind::kDense), 0, 0, kNoFallback};

HeadPattern sparse(PatternKind kind, int64_t a, int64_t b) {
  return {static_cast<int32_t>(kind), static_cast<int32_t>(a), static_cast<int32_t>(b), kNoFallback};
}

// An eighth of the columns and the nearest diagonals: about 15 % of dense from 8K on. More diagonals would scatter on
// made-up data and cost more than they do in a model, where they are neighbours.
HeadPattern typical(int64_t n) { return sparse(PatternKind::kVerticalSlash, n / 8, kForcedSlashes); }

// The shortest length from which on a typical sparse head is faster than a dense one; twice the longest if none is.
int64_t find_crossover(Measurement& measurement, int64_t longest) {
  int64_t crossover = 2 * longest;
  for (int64_t n = longest; n >= 512; n /= 2) {
    if (measurement.whole(n, typical(n)) >= measurement.whole(n, kDense)) break;
    crossover = n;
  }
  return crossover;
}

}  // namespace

CostModel measure_costs(int64_t longest) {
  Measurement measurement(longest);
  const KernelGeometry geometry = attention_geometry(kHeadDim);
  const double tile_flops = 4.0 * geometry.block_m * geometry.block_n * kHeadDim;
  const Span span{0, longest, -1}, shorter{0, longest / 4, -1};
  CostModel model;

  const double dense = measurement.whole(longest, kDense) - measurement.plan(longest, kDense);
  const double dense_tile = dense / static_cast<double>(dense_tiles(span, geometry));
  const double flop = dense_tile / tile_flops;  // microseconds of a FLOP in all heads
  const HeadPattern window = sparse(PatternKind::kAShape, longest / 64, longest / 8);
  const double windowed = measurement.whole(longest, window) - measurement.plan(longest, window);
  const double ratio = windowed / measurement.tiles(longest, window) / dense_tile;
  model.sparse_tile = static_cast<float>(std::clamp(ratio, 1.0, 4.0));

  // Index building: what grows with the length, and what does not. The parts of what grows keep their proportion.
  const HeadPattern head = typical(longest), shorter_head = typical(shorter.rows);
  const double estimate = measurement.plan(longest, head) / flop;
  const double shorter_estimate = measurement.plan(shorter.rows, shorter_head) / flop;
  const double per_key = (estimate - shorter_estimate) / static_cast<double>(longest - shorter.rows);
  const double expected =
      2 * model.index_flop * index_flops(head, span, kHeadDim) / static_cast<double>(longest) + model.select_per_key;
  const double scale = std::clamp(per_key / expected, 0.1, 10.0);
  model.index_flop *= scale;
  model.select_per_key *= scale;
  model.per_head = std::max(0.0, estimate - per_key * static_cast<double>(longest));

  const HeadPattern blocks = sparse(PatternKind::kBlockSparse, longest / 64 / 10, 0);
  const double pooled = measurement.plan(longest, blocks) / flop - model.per_head;
  const double expected_pooled =
      model.pooled_flop * index_flops(blocks, span, kHeadDim) + model.select_per_score * pooled_scores(span);
  const double pooled_scale = std::clamp(pooled / expected_pooled, 0.1, 10.0);
  model.pooled_flop *= pooled_scale;
  model.select_per_score *= pooled_scale;

  model.least_context = find_crossover(measurement, longest);
  return model;
}

}  // namespace minference::cuda
