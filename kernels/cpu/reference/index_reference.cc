#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "../../shared/check_params.h"
#include "reference.h"

namespace minference::cpu {
namespace reference {
namespace {

constexpr double kForced = std::numeric_limits<double>::infinity();

// The `count` best scores, as ascending positions. Ties go to the lower position; NaN comes last.
std::vector<int32_t> top(const std::vector<double>& scores, int64_t count) {
  const auto better = [&](int32_t x, int32_t y) {
    return scores[x] > scores[y] || (!std::isnan(scores[x]) && std::isnan(scores[y]));
  };
  std::vector<int32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), better);
  order.resize(std::min<size_t>(order.size(), count));
  std::sort(order.begin(), order.end());
  return order;
}

// Sums of the attention probabilities of the call's last 64 rows over each key and over each distance row - key.
void estimate(const AttentionParams& params, int64_t batch, int64_t head, std::vector<double>& columns,
              std::vector<double>& slashes) {
  const int64_t past = params.past_lens[batch], rows = params.new_lens[batch], total = past + rows;
  for (int64_t row = std::max<int64_t>(0, rows - kLastQ); row < rows; ++row) {
    std::vector<double> p(total);
    for (int64_t key = 0; key < total; ++key) p[key] = logit(params, batch, head, row, key);
    if (std::any_of(p.begin(), p.end(), breaks_row)) continue;
    const double max = *std::max_element(p.begin(), p.end());
    if (std::isinf(max)) continue;
    double sum = params.head_sink != nullptr ? std::exp(params.head_sink[head] - max) : 0.0;
    for (double& x : p) sum += x = std::exp(x - max);
    for (int64_t key = 0; key <= past + row; ++key) {
      columns[key] += p[key] / sum;
      slashes[past + row - key] += p[key] / sum;
    }
  }
}

// The columns of those of the given index's row blocks that lie in one of the geometry's.
std::vector<int32_t> union_of_columns(const HeadIndex& given, int64_t begin, int64_t end) {
  std::set<int32_t> columns;
  for (int64_t block = begin; block < end; ++block) {
    for (const int32_t column : given.block_columns(block)) columns.insert(column);
  }
  return {columns.begin(), columns.end()};
}

// Mean of `count` vectors of head_dim elements, `stride` elements apart.
std::vector<double> pool(const void* data, int64_t offset, int64_t stride, int64_t count,
                         const AttentionParams& params) {
  std::vector<double> mean(params.shape.head_dim, 0.0);
  for (int64_t i = 0; i < count; ++i) {
    for (size_t e = 0; e < mean.size(); ++e) mean[e] += load(data, offset + i * stride + e, params.dtype) / count;
  }
  return mean;
}

}  // namespace

std::vector<int64_t> block_keys(const AttentionParams& params, int64_t batch, const SparseIndex& index,
                                int64_t row_block, const KernelGeometry& geometry) {
  const int64_t past = params.past_lens[batch];
  const int64_t first = past + row_block * geometry.block_m;
  const int64_t last = past + std::min<int64_t>(params.new_lens[batch], (row_block + 1) * geometry.block_m) - 1;
  const int64_t low = params.local_window < 0 ? 0 : std::max<int64_t>(0, first - params.local_window + 1);
  std::vector<bool> computed(last + 1, false);
  for (int64_t r = index.range_offsets[row_block]; r < index.range_offsets[row_block + 1]; ++r) {
    for (int64_t key = index.ranges[r].begin; key < index.ranges[r].end; ++key) computed[key] = true;
  }
  for (const int32_t key : index.block_columns(row_block)) {
    if (key >= low && key <= last) computed[key] = true;
  }
  std::vector<int64_t> keys;
  for (int64_t key = 0; key <= last; ++key) {
    if (computed[key]) keys.push_back(key);
  }
  return keys;
}

SparseIndex build_index(const AttentionParams& params, int64_t batch, int64_t head, const HeadPattern& pattern,
                        const KernelGeometry& geometry) {
  const int64_t past = params.past_lens[batch], rows = params.new_lens[batch], total = past + rows;
  const int64_t d = params.shape.head_dim, key_blocks = (total + kPatternBlock - 1) / kPatternBlock;
  const int64_t kv = batch * params.shape.num_kv_heads + head / (params.shape.num_heads / params.shape.num_kv_heads);
  const PatternKind kind{pattern.kind};
  const bool blocks = kind == PatternKind::kBlockSparse, vertical_slash = kind == PatternKind::kVerticalSlash;
  SparseIndex index;
  const HeadIndex* given = kind == PatternKind::kExplicit ? &params.indices[pattern.a] : nullptr;
  index.dense = kind == PatternKind::kDense ||
                (given == nullptr && (pattern.a >= (blocks ? key_blocks : total) || (!blocks && pattern.b >= total)));
  const bool own_columns = given != nullptr && !given->shares_columns();
  if (given != nullptr && !own_columns) index.columns = given->columns;
  std::vector<int32_t> slashes;
  if (vertical_slash && !index.dense) {
    std::vector<double> column_sums(total), slash_sums(total);
    estimate(params, batch, head, column_sums, slash_sums);
    std::fill_n(column_sums.begin(), std::min<int64_t>(kForcedColumns, total), kForced);
    std::fill_n(slash_sums.begin(), std::min<int64_t>(kForcedSlashes, total), kForced);
    index.columns = top(column_sums, pattern.a);
    slashes = top(slash_sums, pattern.b);
    index.flops += 2.0 * d * std::min<int64_t>(kLastQ, rows) * total;
  }
  if (blocks && !index.dense && rows > 0) index.flops += static_cast<double>(d) * (rows + total);
  index.column_offsets.push_back(0);
  if (!own_columns) index.column_offsets.push_back(static_cast<int64_t>(index.columns.size()));
  index.range_offsets.push_back(0);
  for (int64_t block = 0; block * geometry.block_m < rows; ++block) {
    const int64_t first = past + block * geometry.block_m;
    const int64_t last = past + std::min<int64_t>(rows, (block + 1) * geometry.block_m) - 1;
    const int64_t low = params.local_window < 0 ? 0 : std::max<int64_t>(0, first - params.local_window + 1);
    std::vector<bool> wanted(last + 1, false);
    const auto want = [&](int64_t begin, int64_t end) {  // keys [begin, end), as far as the block sees them
      for (int64_t key = std::max(begin, low); key < std::min(end, last + 1); ++key) wanted[key] = true;
    };
    if (index.dense) want(0, last + 1);
    for (const int32_t slash : slashes) want(first - slash, last - slash + 1);
    if (kind == PatternKind::kAShape && !index.dense) {
      want(0, pattern.a);
      if (pattern.b > 0) want(first - pattern.b + 1, last + 1);
    }
    const int64_t given_begin = (first - past) / kPatternBlock, given_end = (last - past) / kPatternBlock + 1;
    for (int64_t i = given_begin; given != nullptr && i < given_end; ++i) {
      for (const KeyRange& range : given->block_ranges(i)) want(range.begin, range.end);
    }
    if (own_columns) {
      const std::vector<int32_t> own = union_of_columns(*given, given_begin, given_end);
      index.columns.insert(index.columns.end(), own.begin(), own.end());
      index.column_offsets.push_back(static_cast<int64_t>(index.columns.size()));
    }
    for (int64_t q = first; blocks && !index.dense && q <= last; q += kPatternBlock) {
      const int64_t q_rows = std::min<int64_t>(kPatternBlock, last + 1 - q), q_last = q + q_rows - 1;
      const int64_t q_low = params.local_window < 0 ? 0 : std::max<int64_t>(0, q - params.local_window + 1);
      const std::vector<double> pooled_q =
          pool(params.q, batch * params.q_stride_batch + (q - past) * params.q_stride_seq + head * params.q_stride_head,
               params.q_stride_seq, q_rows, params);
      // Key blocks this query block can see at all, ranked by the pooled score (softmax keeps their order).
      const int64_t first_block = q_low / kPatternBlock, last_block = q_last / kPatternBlock;
      std::vector<double> scores;
      int64_t own = 0;
      for (int64_t key_block = first_block; key_block <= last_block; ++key_block) {
        const int64_t key = key_block * kPatternBlock;
        const std::vector<double> pooled_k = pool(params.k, (kv * params.shape.capacity + key) * d, d,
                                                  std::min<int64_t>(kPatternBlock, total - key), params);
        const bool is_own = key_block >= q / kPatternBlock;
        own += is_own;
        const double score =
            params.sm_scale * std::inner_product(pooled_q.begin(), pooled_q.end(), pooled_k.begin(), 0.0);
        scores.push_back(is_own ? kForced : std::min(score, std::numeric_limits<double>::max()));
      }
      for (const int32_t chosen : top(scores, std::max<int64_t>(pattern.a, own))) {
        want((first_block + chosen) * kPatternBlock, (first_block + chosen + 1) * kPatternBlock);
      }
      index.flops += 2.0 * d * (last_block - first_block + 1);
    }
    for (int pass = 0; pass < 2; ++pass) {  // exact ranges, rounded outward; then merged where rounding made them touch
      std::vector<KeyRange> found;
      for (int64_t key = 0; key <= last; ++key) {
        if (!wanted[key]) continue;
        if (key == 0 || !wanted[key - 1]) found.push_back({static_cast<int32_t>(key), 0});
        found.back().end = static_cast<int32_t>(key + 1);
      }
      for (const KeyRange& range : found) {
        const int64_t align = geometry.key_align, begin = range.begin / align * align;
        for (int64_t key = begin; pass == 0 && key < std::min(last + 1, (range.end + align - 1) / align * align); ++key)
          wanted[key] = true;
        if (pass == 1) index.ranges.push_back(range);
        if (pass == 1) index.tiles += (range.end - range.begin + geometry.block_n - 1) / geometry.block_n;
      }
    }
    index.range_offsets.push_back(static_cast<int64_t>(index.ranges.size()));
    const auto is_computed = [&](int32_t key) { return key >= low && key <= last && !wanted[key]; };
    const auto list = index.columns.begin() + (own_columns ? *(index.column_offsets.end() - 2) : 0);
    if (geometry.columns_in_place) {
      for (auto piece = list; piece != index.columns.end();) {
        const auto end = piece + std::min<int64_t>(geometry.block_n, index.columns.end() - piece);
        index.tiles += std::any_of(piece, end, is_computed);
        piece = end;
      }
    } else {
      const int64_t columns = std::count_if(list, index.columns.end(), is_computed);
      index.tiles += (columns + geometry.block_n - 1) / geometry.block_n;
    }
  }
  index.flops += 4.0 * geometry.block_m * geometry.block_n * d * static_cast<double>(index.tiles);
  return index;
}

}  // namespace reference

SparseIndex build_index_reference(const AttentionParams& params, int64_t batch, int64_t head,
                                  const KernelGeometry& geometry) {
  contract::check_attention(params, true);
  contract::check_head(params, batch, head);
  contract::check_geometry(geometry);
  return reference::build_index(params, batch, head, params.patterns[head], geometry);
}

}  // namespace minference::cpu
