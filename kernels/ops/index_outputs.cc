#include "index_outputs.h"

#include <algorithm>
#include <cstring>

#include "../rivals/kept_kv.h"
#include "checked_input.h"
#include "minference/cpu.h"

namespace minference::ops {
namespace {

// The indices of all heads, one after the other.
struct JoinedIndex {
  std::vector<int64_t> range_offsets{0}, column_offsets{0};
  std::vector<int32_t> ranges, columns;

  explicit JoinedIndex(const std::vector<SparseIndex>& heads) {
    const bool shared =
        std::all_of(heads.begin(), heads.end(), [](const SparseIndex& head) { return head.shares_columns(); });
    for (const SparseIndex& head : heads) append(head, shared);
  }

 private:
  void append(const SparseIndex& head, bool shared) {
    const auto blocks = static_cast<int64_t>(head.range_offsets.size()) - 1;
    for (int64_t block = 0; block < blocks; ++block) {
      for (const KeyRange& range : head.block_ranges(block)) ranges.insert(ranges.end(), {range.begin, range.end});
      range_offsets.push_back(static_cast<int64_t>(ranges.size()) / 2);
    }
    for (int64_t list = 0; list < (shared ? 1 : blocks); ++list) {
      const auto own = head.block_columns(list);
      columns.insert(columns.end(), own.begin(), own.end());
      column_offsets.push_back(static_cast<int64_t>(columns.size()));
    }
  }
};

template <typename T>
void write(Ort::KernelContext& context, size_t output, const Shape& shape, const std::vector<T>& data,
           const Copy& copy) {
  auto value = context.GetOutput(output, shape);
  if (value && !data.empty()) copy(value.template GetTensorMutableData<T>(), data.data(), data.size() * sizeof(T));
}

int64_t length(const auto& vector) { return static_cast<int64_t>(vector.size()); }

}  // namespace

void copy_on_host(void* to, const void* from, size_t bytes) { std::memcpy(to, from, bytes); }

void write_indices(Ort::KernelContext& context, size_t first, const std::vector<SparseIndex>& heads, const Copy& copy) {
  const JoinedIndex joined(heads);
  write(context, first, {length(joined.range_offsets)}, joined.range_offsets, copy);
  write(context, first + 1, {length(joined.ranges) / 2, 2}, joined.ranges, copy);
  write(context, first + 2, {length(joined.column_offsets)}, joined.column_offsets, copy);
  write(context, first + 3, {length(joined.columns)}, joined.columns, copy);
}

bool gives_index(const std::vector<HeadPattern>& patterns) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [](const HeadPattern& p) { return (p.flags & kGiveIndex) != 0; });
}

void give_indices(Ort::KernelContext& context, const AttentionParams& call, const ParallelFor& parallel,
                  const Copy& copy) {
  if (context.GetOutputCount() <= kIndexOutputs) return;
  const bool asked = std::any_of(call.patterns, call.patterns + call.shape.num_heads,
                                 [](const HeadPattern& p) { return (p.flags & kGiveIndex) != 0; });
  expect(!asked || call.shape.batch == 1,
         "expected a batch of 1 where indices are asked for, found " + std::to_string(call.shape.batch));
  std::vector<SparseIndex> heads(asked ? call.shape.num_heads : 0);
  const auto capacity = [&](int64_t head) { return call.patterns[head].flags >> kKeptShift; };
  parallel(length(heads), [&](int64_t head) {
    if (capacity(head) > 0) heads[head] = {rivals::snap_kv(call, head, capacity(head))};
  });
  for (int64_t head = 0; head < length(heads); ++head) {
    if (capacity(head) == 0) heads[head] = cpu::build_index_optimized(call, 0, head, parallel);
  }
  write_indices(context, kIndexOutputs, heads, copy);
}

}  // namespace minference::ops
