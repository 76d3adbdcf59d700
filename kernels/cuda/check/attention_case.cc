#include "attention_case.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <mutex>
#include <thread>

#include "../../cpu/reference/reference.h"

namespace minference::cuda::check_kernels {

namespace {

// NaNs in the rows of the cache beyond the valid ones: nothing may come of them.
void poison(std::vector<uint16_t>& cache, const AttentionParams& p) {
  const AttentionShape& s = p.shape;
  for (int64_t head = 0; head < s.batch * s.num_kv_heads; ++head) {
    const int64_t b = head / s.num_kv_heads, valid = int64_t{p.past_lens[b]} + p.new_lens[b];
    const auto from = cache.begin() + (head * s.capacity + valid) * s.head_dim;
    std::fill(from, cache.begin() + (head + 1) * s.capacity * s.head_dim, uint16_t{0xffff});
  }
}

}  // namespace

AttentionOperands::AttentionOperands(const AttentionCase& c, DataType dtype) : past_(c.past), lengths_(c.lengths) {
  const auto batch = static_cast<int64_t>(past_.size());
  lengths_.resize(past_.size(), static_cast<int32_t>(c.rows));
  for (int64_t h = 0; h < c.heads; ++h) {
    patterns_.push_back(c.patterns.empty() ? kDensePattern : c.patterns[static_cast<size_t>(h) % c.patterns.size()]);
    if (c.sinks) sinks_.push_back(static_cast<float>(h % 5) * 2 - 3);
  }
  const int64_t capacity = *std::max_element(past_.begin(), past_.end()) + c.rows + c.spare_rows;
  AttentionParams p{};
  p.shape = {batch, c.rows, c.heads, c.kv_heads, c.head_dim, capacity};
  p.q_stride_head = c.head_dim;
  p.q_stride_seq = (c.heads + (c.packed ? 2 * c.kv_heads : 0)) * c.head_dim;
  p.q_stride_batch = c.rows * p.q_stride_seq;
  p.past_lens = past_.data();
  p.new_lens = lengths_.data();
  p.sm_scale = c.scale != 0 ? c.scale : 1 / std::sqrt(static_cast<float>(c.head_dim));
  p.softcap = c.softcap;
  p.local_window = c.window;
  p.patterns = patterns_.data();
  p.indices = c.indices.data();
  p.num_indices = static_cast<int64_t>(c.indices.size());
  const auto cache = static_cast<size_t>(batch * c.kv_heads * capacity * c.head_dim);
  q_ = make_operand(normal(static_cast<size_t>(batch * p.q_stride_batch), 11), dtype);
  k_ = make_operand(normal(cache, 12), dtype);
  v_ = make_operand(normal(cache, 13), dtype);
  for (const Poison& one : c.poison) {
    Operand& operand = one.operand == 'q' ? q_ : one.operand == 'k' ? k_ : v_;
    const int64_t at = one.operand == 'q' ? one.row * p.q_stride_seq + one.head * p.q_stride_head
                                          : (one.head * capacity + one.row) * c.head_dim;
    const auto element = static_cast<size_t>(at + one.element);
    operand.values[element] = one.value;
    operand.bits[element] = to_bits(one.value, dtype);
  }
  if (dtype != DataType::kFloat32) {
    poison(k_.bits, p);
    poison(v_.bits, p);
  }

  host_ = device_ = p;
  host_.dtype = DataType::kFloat32;
  host_.q = q_.values.data();
  host_.k = k_.values.data();
  host_.v = v_.values.data();
  host_.head_sink = c.sinks ? sinks_.data() : nullptr;

  device_.dtype = dtype;
  device_.q = memory_.upload(q_.bits);
  device_.k = memory_.upload(k_.bits);
  device_.v = memory_.upload(v_.bits);
  device_.head_sink = c.sinks ? memory_.upload(sinks_) : nullptr;
  const auto rows = static_cast<size_t>(batch * c.rows * c.heads);
  device_.out = memory_.allocate(rows * static_cast<size_t>(c.head_dim) * sizeof(uint16_t));
  device_.lse = static_cast<float*>(memory_.allocate(rows * sizeof(float)));
}

namespace {

struct Expected {
  std::vector<double> out;
  double lse;
};

Expected attend_row(const AttentionParams& p, int64_t b, int64_t h, int64_t row, const std::vector<int64_t>& keys) {
  const int64_t d = p.shape.head_dim, kv_head = h / (p.shape.num_heads / p.shape.num_kv_heads);
  Expected result{std::vector<double>(static_cast<size_t>(d), 0.0), -std::numeric_limits<double>::infinity()};
  std::vector<double> logits;
  double max = result.lse;
  bool is_broken = false;
  for (const int64_t key : keys) {
    const double logit = cpu::reference::logit(p, b, h, row, key);
    is_broken = is_broken || std::isnan(logit) || logit > std::numeric_limits<float>::max();
    logits.push_back(logit);
    max = std::max(max, logit);
  }
  if (is_broken) {
    constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
    return {std::vector<double>(static_cast<size_t>(d), kNaN), kNaN};
  }
  if (std::isinf(max)) return result;
  double sum = 0;
  for (size_t j = 0; j < keys.size(); ++j) {
    const double weight = std::exp(logits[j] - max);
    if (weight == 0) continue;
    sum += weight;
    const float* v =
        static_cast<const float*>(p.v) + ((b * p.shape.num_kv_heads + kv_head) * p.shape.capacity + keys[j]) * d;
    for (int64_t e = 0; e < d; ++e) result.out[static_cast<size_t>(e)] += weight * v[e];
  }
  result.lse = max + std::log(sum);
  const double denominator = sum + (p.head_sink != nullptr ? std::exp(p.head_sink[h] - max) : 0.0);
  for (double& value : result.out) value /= denominator;
  return result;
}

// Output and LSE of the compared rows of one head, one after the other.
struct HeadRows {
  std::vector<float> actual_out, expected_out, actual_lse, expected_lse;
};

struct Results {
  std::vector<uint16_t> out;
  std::vector<float> lse;
};

HeadRows compare_head(const AttentionCase& c, const AttentionParams& p, const Results& results, int64_t b, int64_t h,
                      const KernelGeometry& geometry, DataType dtype) {
  HeadRows rows;
  const int64_t d = p.shape.head_dim, new_rows = p.new_lens[b];
  const int64_t blocks = (new_rows + geometry.block_m - 1) / geometry.block_m;
  const int64_t step = c.sampled_blocks > 0 ? std::max<int64_t>(1, blocks / c.sampled_blocks) : 1;
  const SparseIndex index = cpu::reference::build_index(p, b, h, p.patterns[h], geometry);
  const auto add = [&](int64_t row, const Expected& expected) {
    const int64_t at = ((b * p.shape.seqlen_q + row) * p.shape.num_heads + h) * d;
    for (int64_t e = 0; e < d; ++e) {
      rows.actual_out.push_back(from_bits(results.out[static_cast<size_t>(at + e)], dtype));
      rows.expected_out.push_back(static_cast<float>(expected.out[static_cast<size_t>(e)]));
    }
    rows.actual_lse.push_back(results.lse[static_cast<size_t>((b * p.shape.num_heads + h) * p.shape.seqlen_q + row)]);
    rows.expected_lse.push_back(static_cast<float>(expected.lse));
  };
  for (int64_t block = blocks - 1; block >= 0; block -= step) {
    const std::vector<int64_t> keys = cpu::reference::block_keys(p, b, index, block, geometry);
    const int64_t end = std::min(new_rows, (block + 1) * geometry.block_m);
    // Of a sampled block, its first, its last and some rows between.
    const int64_t stride = c.sampled_blocks > 0 ? 21 : 1;
    for (int64_t row = end - 1; row >= block * geometry.block_m; row -= stride)
      add(row, attend_row(p, b, h, row, keys));
  }
  const Expected padding{std::vector<double>(static_cast<size_t>(d), 0.0), -std::numeric_limits<double>::infinity()};
  for (int64_t row = new_rows; row < p.shape.seqlen_q; ++row) add(row, padding);
  return rows;
}

}  // namespace

std::string compare_with_reference(const AttentionCase& c, const AttentionOperands& operands,
                                   const KernelGeometry& geometry, DataType dtype, std::string& note) {
  const AttentionParams& p = operands.host();
  const auto rows = static_cast<size_t>(p.shape.batch * p.shape.seqlen_q * p.shape.num_heads);
  const Results results{download<uint16_t>(operands.device().out, rows * static_cast<size_t>(p.shape.head_dim)),
                        download<float>(operands.device().lse, rows)};
  const bool half = dtype == DataType::kFloat16;
  const Tolerance tolerance = half ? Tolerance{2e-3, 1e-2, 2e-3} : Tolerance{1.6e-2, 4e-2, 1.2e-2};
  const Tolerance lse_tolerance{2e-3, 2e-3, 1e-3};

  std::atomic<int64_t> next{0};
  std::mutex mutex;
  std::string problem;
  double worst = 0;
  const auto work = [&] {
    for (int64_t i; (i = next++) < p.shape.batch * p.shape.num_heads;) {
      const int64_t b = i / p.shape.num_heads, h = i % p.shape.num_heads;
      const HeadRows head = compare_head(c, p, results, b, h, geometry, dtype);
      double deviation = 0;
      std::string found = compare(head.actual_lse, head.expected_lse, lse_tolerance, nullptr);
      if (!found.empty()) found = "LSE: " + found;
      if (found.empty()) found = compare(head.actual_out, head.expected_out, tolerance, &deviation);
      const std::lock_guard lock(mutex);
      worst = std::max(worst, deviation);
      if (!found.empty() && problem.empty()) {
        const HeadPattern& pattern = p.patterns[h];
        problem = "batch " + std::to_string(b) + ", head " + std::to_string(h) + " (kind " +
                  std::to_string(pattern.kind) + ", " + std::to_string(pattern.a) + ", " + std::to_string(pattern.b) +
                  "): " + found;
      }
    }
  };
  std::vector<std::thread> threads;
  const unsigned count = std::clamp<unsigned>(std::thread::hardware_concurrency(), 1, 16);
  for (unsigned t = 0; t < count; ++t) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  char text[64];
  std::snprintf(text, sizeof(text), "off by %.1e", worst);
  note = text;
  return problem;
}

}  // namespace minference::cuda::check_kernels
