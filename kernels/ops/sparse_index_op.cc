#include "sparse_index_op.h"

#include <algorithm>

#include "attention_call.h"
#include "explicit_indices.h"
#include "implementation.h"
#include "parallel_for.h"
#include "pattern_rows.h"

namespace minference::ops {
namespace {

// The indices of all heads, one after the other, as read_explicit_indices() takes them.
struct JoinedIndex {
  std::vector<int64_t> range_offsets{0}, column_offsets{0}, tiles;
  std::vector<int32_t> ranges, columns;
  std::vector<double> flops;

  explicit JoinedIndex(const std::vector<SparseIndex>& heads) {
    const bool shared =
        std::all_of(heads.begin(), heads.end(), [](const SparseIndex& h) { return h.shares_columns(); });
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
    tiles.push_back(head.tiles);
    flops.push_back(head.flops);
  }
};

template <typename T>
void write(Ort::KernelContext& context, size_t output, const Shape& shape, const std::vector<T>& data) {
  std::copy(data.begin(), data.end(), context.GetOutput(output, shape).GetTensorMutableData<T>());
}

int64_t length(const auto& vector) { return static_cast<int64_t>(vector.size()); }

}  // namespace

OrtStatusPtr SparseIndexKernel::ComputeV2(OrtKernelContext* raw) {
  return as_status(SparseIndexSpec::name, [&] {
    Ort::KernelContext context(raw);
    const std::vector<HeadPattern> patterns = read_head_patterns(context, attributes_.num_heads);
    AttentionCall call(context, attributes_, dtype_, OutputSet::kNone, Scratch::on_host(context));
    const std::vector<float> sink = read_host_sink(call);
    expect(call.shape.batch > 0, "expected a batch of at least 1, found 0");
    const std::vector<HeadIndex> indices = read_explicit_indices(context, call.attention);
    call.attention.patterns = patterns.data();
    call.attention.indices = indices.data();
    call.attention.num_indices = static_cast<int64_t>(indices.size());
    const ParallelFor parallel = parallel_for(raw);
    rope_and_cache(attributes_, call.rope, parallel);

    std::vector<SparseIndex> heads;
    const KernelGeometry geometry = reference_geometry(attributes_, call.shape.head_dim);
    for (int64_t head = 0; head < attributes_.num_heads; ++head) {
      heads.push_back(attributes_.reference ? cpu::build_index_reference(call.attention, 0, head, geometry)
                                            : cpu::build_index_optimized(call.attention, 0, head, parallel));
    }
    const JoinedIndex joined(heads);
    write(context, 0, {length(joined.range_offsets)}, joined.range_offsets);
    write(context, 1, {length(joined.ranges) / 2, 2}, joined.ranges);
    write(context, 2, {length(joined.column_offsets)}, joined.column_offsets);
    write(context, 3, {length(joined.columns)}, joined.columns);
    write(context, 4, {length(joined.tiles)}, joined.tiles);
    write(context, 5, {length(joined.flops)}, joined.flops);
  });
}

}  // namespace minference::ops
