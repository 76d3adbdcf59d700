#include "explicit_lists.h"

#include <algorithm>
#include <map>

#include "../common/check.h"
#include "arena.h"
#include "row_block.cuh"

namespace minference::cuda {
namespace {

// [begin, end) after the ranges already there (begins ascend), merged.
void append(std::vector<KeyRange>& ranges, size_t first, KeyRange range) {
  if (range.begin >= range.end) return;
  if (ranges.size() > first && range.begin <= ranges.back().end) {
    ranges.back().end = std::max(ranges.back().end, range.end);
  } else {
    ranges.push_back(range);
  }
}

struct RowBlockLists {
  std::vector<KeyRange> ranges;
  std::vector<int32_t> columns;
  std::vector<int64_t> range_offsets{0}, column_offsets{0};

  // A kernel's row block: what those of the index in it compute, as far as some row sees it.
  void add(const HeadIndex& index, const RowBlock& block, int64_t begin, int64_t end) {
    const auto low = static_cast<int32_t>(block.low), stop = static_cast<int32_t>(block.last + 1);
    std::vector<KeyRange> all;
    std::vector<int32_t> own;
    for (int64_t i = begin; i < end; ++i) {
      for (const KeyRange& range : index.block_ranges(i)) all.push_back(range);
      const auto columns = index.block_columns(i);
      own.insert(own.end(), columns.begin(), columns.end());
    }
    if (end - begin > 1) {  // one alone is in order
      std::sort(all.begin(), all.end(), [](const KeyRange& x, const KeyRange& y) { return x.begin < y.begin; });
      std::sort(own.begin(), own.end());
      own.erase(std::unique(own.begin(), own.end()), own.end());
    }
    const size_t first = ranges.size();
    for (const KeyRange& range : all) append(ranges, first, {std::max(range.begin, low), std::min(range.end, stop)});
    range_offsets.push_back(static_cast<int64_t>(ranges.size()));
    size_t at = first;
    for (const int32_t column : own) {
      while (at < ranges.size() && ranges[at].end <= column) ++at;
      const bool covered = at < ranges.size() && ranges[at].begin <= column;
      if (column >= low && column < stop && !covered) columns.push_back(column);
    }
    column_offsets.push_back(static_cast<int64_t>(columns.size()));
  }
};

RowBlockLists cut(const HeadIndex& index, const CallSpan& span, int64_t block_m) {
  RowBlockLists lists;
  for (int64_t block = 0; block * block_m < span.rows; ++block) {
    lists.add(index, RowBlock::at(block, block_m, span.past, span.rows, span.window), block * block_m / kPatternBlock,
              std::min(span.row_blocks(), (block + 1) * block_m / kPatternBlock));
  }
  return lists;
}

// A copy that has left the host's memory when this returns, as the lists do not live on.
template <typename T>
void copy(const std::vector<T>& from, T* to, const Context& context) {
  if (from.empty()) return;
  check(cudaMemcpyAsync(to, from.data(), from.size() * sizeof(T), cudaMemcpyHostToDevice, context.stream),
        "writing explicit indices");
}

struct Placed {
  KeyRange* ranges;
  int32_t* columns;
  int64_t *range_offsets, *column_offsets;
};

Placed place(const RowBlockLists& lists, const Context& context) {
  Placed placed{};
  Arena arena;
  arena.add(placed.ranges, lists.ranges.size());
  arena.add(placed.columns, lists.columns.size());
  arena.add(placed.range_offsets, lists.range_offsets.size());
  arena.add(placed.column_offsets, lists.column_offsets.size());
  arena.allocate(context);
  copy(lists.ranges, placed.ranges, context);
  copy(lists.columns, placed.columns, context);
  copy(lists.range_offsets, placed.range_offsets, context);
  copy(lists.column_offsets, placed.column_offsets, context);
  return placed;
}

}  // namespace

void place_indices(const CallShape& shape, std::vector<Job>& jobs, const Context& context) {
  std::map<int32_t, Placed> known;
  for (Job& job : jobs) {
    if (!is(job, PatternKind::kExplicit)) continue;
    auto found = known.find(job.pattern.a);
    if (found == known.end()) {
      const HeadIndex& index = shape.params().indices[job.pattern.a];
      const RowBlockLists lists = cut(index, shape.span(job.head), shape.geometry().block_m);
      found = known.emplace(job.pattern.a, place(lists, context)).first;
    }
    job.ranges = found->second.ranges;
    job.given_columns = found->second.columns;
    job.range_offsets = found->second.range_offsets;
    job.column_offsets = found->second.column_offsets;
  }
}

}  // namespace minference::cuda
