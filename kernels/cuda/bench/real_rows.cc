// Attention on a model's own queries, keys and values, with the patterns that were searched for its heads.
#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

#include "../attention/attend.h"
#include "bench.h"
#include "computed_tiles.h"
#include "operand_file.h"

namespace minference::cuda::bench {
namespace {

class Uploaded {
 public:
  explicit Uploaded(const std::vector<uint16_t>& values) : block_(values.size() * sizeof(uint16_t)) {
    check(cudaMemcpy(block_.get(), values.data(), values.size() * sizeof(uint16_t), cudaMemcpyHostToDevice),
          "copying operands");
  }
  const void* get() const { return block_.get(); }

 private:
  DeviceBlock block_;
};

// A file's operands on the device.
class RealOperands {
 public:
  explicit RealOperands(const OperandFile& file)
      : rows_(static_cast<int32_t>(file.shape.tokens)),
        q_(file.q),
        k_(file.k),
        v_(file.v),
        out_(file.q.size() * sizeof(uint16_t)) {
    const Shape& s = file.shape;
    params_.shape = {1, s.tokens, s.heads, s.kv_heads, s.head_dim, s.tokens};
    params_.dtype = DataType::kFloat16;
    params_.q = q_.get();
    params_.q_stride_head = s.head_dim;
    params_.q_stride_seq = s.heads * s.head_dim;
    params_.q_stride_batch = s.tokens * params_.q_stride_seq;
    params_.k = k_.get();
    params_.v = v_.get();
    params_.out = out_.get();
    params_.past_lens = &past_;
    params_.new_lens = &rows_;
    params_.sm_scale = 1 / std::sqrt(static_cast<float>(s.head_dim));
    params_.local_window = -1;
  }
  RealOperands(const RealOperands&) = delete;
  RealOperands& operator=(const RealOperands&) = delete;

  // `patterns` must outlive the result.
  AttentionParams attention(const std::vector<HeadPattern>& patterns) const {
    AttentionParams p = params_;
    p.patterns = patterns.data();
    return p;
  }

 private:
  int32_t past_ = 0, rows_;
  Uploaded q_, k_, v_;
  DeviceBlock out_;
  AttentionParams params_{};
};

// "real-16k": tokens rounded up to a power of two.
std::string name_of(const Shape& shape) {
  return "real-" + std::to_string(std::max<uint64_t>(1, std::bit_ceil(static_cast<uint64_t>(shape.tokens)) / 1024)) +
         "k";
}

void add_file(Bench& bench, const OperandFile& file, const std::vector<HeadPattern>& patterns) {
  const Shape& shape = file.shape;
  const std::string name = name_of(shape), dense = name + "/dense", index = name + "/index",
                    alone = name + "/attention", op = name + "/op";
  if (!bench.wants(dense) && !bench.wants(index) && !bench.wants(alone) && !bench.wants(op)) return;
  const Context& context = bench.context();
  const RealOperands operands(file);
  const KernelGeometry geometry = attention_geometry(shape.head_dim);

  if (bench.wants(dense)) {
    const std::vector<HeadPattern> all_dense(patterns.size(), HeadPattern{});
    const AttentionParams p = operands.attention(all_dense);
    const Time time = bench.time([&] { minference::cuda::attention(p, context); });
    bench.add({.id = dense, .shape = shape, .time = time, .flops = dense_flops(shape), .note = "float16"});
  }
  // The patterns as they are: heads for which dense were as fast stay sparse.
  std::vector<HeadPattern> without_fallback = patterns;
  for (HeadPattern& pattern : without_fallback) pattern.flags = kNoFallback;
  const AttentionParams sparse = operands.attention(without_fallback);
  if (bench.wants(index)) {
    const Time time = bench.time([&] { Planner(sparse, geometry, context).plan(sparse.patterns); });
    bench.add({.id = index, .shape = shape, .time = time, .bytes = static_cast<double>(bench.scratch().used())});
  }
  if (bench.wants(alone)) {
    bench.scratch().reset();
    Planner planner(sparse, geometry, context);
    const Plans plans = planner.plan(sparse.patterns);
    const ComputedTiles tiles = count_tiles_of(sparse, planner, plans, geometry);
    const Time time = bench.time_keeping_scratch([&] { attend(sparse, plans, geometry, context); });
    bench.add({.id = alone,
               .shape = shape,
               .time = time,
               .flops = tiles.flops,
               .note = describe_share(tiles, shape) + "; float16"});
  }
  if (bench.wants(op)) {
    // As a model calls it: the fallback to dense may step in.
    const AttentionParams whole = operands.attention(patterns);
    bench.scratch().reset();
    Planner planner(whole, geometry, context);
    const ComputedTiles tiles = count_tiles_of(whole, planner, planner.plan(whole.patterns), geometry);
    const Time time = bench.time([&] { minference::cuda::attention(whole, context); });
    bench.add({.id = op,
               .shape = shape,
               .time = time,
               .note = describe_share(tiles, shape) + "; " + std::to_string(tiles.dense_heads) +
                       " heads dense; no rotary embedding; float16"});
  }
}

}  // namespace

void add_real_rows(Bench& bench) {
  const std::vector<HeadPattern>& patterns = bench.options().patterns;
  std::string failures;
  for (const std::string& path : bench.options().operands) {
    // A bad file leaves the others.
    try {
      const OperandFile file = read_operands(path);
      if (static_cast<int64_t>(patterns.size()) != file.shape.heads) {
        throw std::invalid_argument(path + ": expected patterns of " + std::to_string(file.shape.heads) +
                                    " heads, found " + std::to_string(patterns.size()));
      }
      add_file(bench, file, patterns);
    } catch (const std::exception& error) {
      failures += (failures.empty() ? "" : "; ") + std::string(error.what());
    }
  }
  if (!failures.empty()) throw std::runtime_error(failures);
}

}  // namespace minference::cuda::bench
