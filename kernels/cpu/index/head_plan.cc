#include "head_plan.h"

#include <algorithm>

namespace minference::cpu {
namespace {

// Adds [begin, end) after the ranges already there (begins ascend), rounded outward and merged.
void append(std::vector<KeyRange>& ranges, int64_t begin, int64_t end, int64_t limit) {
  if (begin >= end) return;
  const auto from = static_cast<int32_t>(begin / kKeyAlign * kKeyAlign);
  const auto to = static_cast<int32_t>(std::min((end + kKeyAlign - 1) / kKeyAlign * kKeyAlign, limit));
  if (!ranges.empty() && from <= ranges.back().end) {
    ranges.back().end = std::max(ranges.back().end, to);
  } else {
    ranges.push_back({from, to});
  }
}

}  // namespace

std::vector<RangeBuilder::Run> RangeBuilder::merge_slashes(const std::vector<int32_t>& slashes, int64_t rows) {
  std::vector<Run> runs;
  for (const int32_t slash : slashes) {
    if (!runs.empty() && slash - runs.back().far <= rows) {  // [first - slash, last - slash] touches its neighbour
      runs.back().far = slash;
    } else {
      runs.push_back({slash, slash});
    }
  }
  return runs;
}

// The same slashes cross every row block, so which of them merge depends only on the block's number of rows.
RangeBuilder::RangeBuilder(const HeadPlan& plan, const CallSpan& span) : plan_(plan), span_(span) {
  full_ = merge_slashes(plan.slashes, kBlockM);
  if (span.rows % kBlockM != 0) last_ = merge_slashes(plan.slashes, span.rows % kBlockM);
}

void RangeBuilder::ranges(int64_t block, std::vector<KeyRange>& ranges) const {
  ranges.clear();
  const int64_t first = span_.first(block), end = span_.last(block) + 1, low = span_.low(first);
  if (plan_.dense) return append(ranges, low, end, end);
  switch (PatternKind{plan_.pattern.kind}) {
    case PatternKind::kDense:
      return append(ranges, low, end, end);
    case PatternKind::kAShape:
      append(ranges, low, std::min<int64_t>(plan_.pattern.a, end), end);
      if (plan_.pattern.b > 0) append(ranges, std::max(low, first - plan_.pattern.b + 1), end, end);
      return;
    case PatternKind::kVerticalSlash: {
      const std::vector<Run>& runs = end - first == kBlockM ? full_ : last_;
      for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
        append(ranges, std::max(low, first - run->far), end - run->near, end);
      }
      return;
    }
    case PatternKind::kBlockSparse:
      for (int64_t i = plan_.block_offsets[block]; i < plan_.block_offsets[block + 1]; ++i) {
        const int64_t key = int64_t{plan_.key_blocks[i]} * kPatternBlock;
        append(ranges, std::max(low, key), std::min(key + kPatternBlock, end), end);
      }
      return;
    case PatternKind::kExplicit:
      for (const KeyRange& range : plan_.given->block_ranges(block)) {
        append(ranges, std::max<int64_t>(low, range.begin), std::min<int64_t>(range.end, end), end);
      }
      return;
  }
}

std::vector<int32_t> own_columns(const HeadPlan& plan, const CallSpan& span, int64_t block,
                                 const std::vector<KeyRange>& ranges) {
  const int64_t low = span.low(span.first(block)), last = span.last(block);
  std::vector<int32_t> columns;
  auto range = ranges.begin();
  for (const int32_t column : plan.given->block_columns(block)) {
    while (range != ranges.end() && range->end <= column) ++range;
    const bool covered = range != ranges.end() && range->begin <= column;
    if (column >= low && column <= last && !covered) columns.push_back(column);
  }
  return columns;
}

PlanCost count_cost(const HeadPlan& plan, const CallSpan& span, int64_t head_dim) {
  const RangeBuilder builder(plan, span);
  std::vector<int32_t> rank;  // columns below each key
  if (!plan.columns.empty()) {
    rank.resize(span.total() + 1);
    for (int64_t key = 0, column = 0; key <= span.total(); ++key) {
      rank[key] = static_cast<int32_t>(column);
      if (column < static_cast<int64_t>(plan.columns.size()) && plan.columns[column] == key) ++column;
    }
  }
  PlanCost cost;
  cost.block_tiles.resize(span.row_blocks());
  std::vector<KeyRange> ranges;
  for (int64_t block = 0; block < span.row_blocks(); ++block) {
    builder.ranges(block, ranges);
    int32_t tiles = 0, columns = 0;
    const int64_t low = span.low(span.first(block)), end = span.last(block) + 1;
    if (!rank.empty() && low < end) columns = rank[end] - rank[low];
    if (plan.has_own_columns()) columns = static_cast<int32_t>(own_columns(plan, span, block, ranges).size());
    for (const KeyRange& range : ranges) {
      tiles += (range.end - range.begin + kKeyAlign - 1) / kKeyAlign;
      if (!rank.empty()) columns -= rank[range.end] - rank[std::max<int64_t>(low, range.begin)];
    }
    cost.block_tiles[block] = tiles + (columns + kKeyAlign - 1) / kKeyAlign;
    cost.tiles += cost.block_tiles[block];
  }
  cost.flops =
      plan.index_flops + 4.0 * kBlockM * kKeyAlign * static_cast<double>(head_dim) * static_cast<double>(cost.tiles);
  return cost;
}

SparseIndex to_sparse_index(const HeadPlan& plan, const CallSpan& span, int64_t head_dim) {
  SparseIndex index;
  index.dense = plan.dense;
  index.columns = plan.has_own_columns() ? plan.given->columns : plan.columns;
  index.column_offsets = plan.has_own_columns() ? plan.given->column_offsets
                                                : std::vector<int64_t>{0, static_cast<int64_t>(plan.columns.size())};
  index.range_offsets.push_back(0);
  const RangeBuilder builder(plan, span);
  std::vector<KeyRange> ranges;
  for (int64_t block = 0; block < span.row_blocks(); ++block) {
    builder.ranges(block, ranges);
    index.ranges.insert(index.ranges.end(), ranges.begin(), ranges.end());
    index.range_offsets.push_back(static_cast<int64_t>(index.ranges.size()));
  }
  const PlanCost cost = count_cost(plan, span, head_dim);
  index.tiles = cost.tiles;
  index.flops = cost.flops;
  return index;
}

}  // namespace minference::cpu
