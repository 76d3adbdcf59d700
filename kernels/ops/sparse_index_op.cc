#include "sparse_index_op.h"

#include <algorithm>
#include <array>

#include "implementation.h"

namespace minference::ops {
namespace {

template <typename T>
void write(Ort::KernelContext& context, size_t output, const std::vector<int64_t>& shape, const std::vector<T>& data) {
  std::copy(data.begin(), data.end(), context.GetOutput(output, shape).GetTensorMutableData<T>());
}

}  // namespace

OrtStatusPtr SparseIndexKernel::ComputeV2(OrtKernelContext* raw) {
  return as_status(SparseIndexSpec::name, [&] {
    Ort::KernelContext context(raw);
    std::array<std::vector<std::byte>, 3> scratch;
    const AllocateOutput allocate = [&](OutputIndex index, const std::vector<int64_t>& shape) -> void* {
      size_t bytes = sizeof(float);
      for (int64_t dim : shape) bytes *= static_cast<size_t>(dim);
      scratch[index].resize(index == kOutput ? 0 : bytes);
      return scratch[index].data();
    };
    AttentionCall call(context, attributes_, dtype_, allocate);
    expect_patterns(call.patterns, attributes_.num_heads);
    call.attention.patterns = call.patterns.data();
    const ParallelFor parallel = parallel_for(raw);
    rope_and_cache(attributes_, call.rope, parallel);

    std::vector<int64_t> range_offsets{0}, column_offsets{0}, tiles;
    std::vector<int32_t> ranges, columns;
    std::vector<double> flops;
    for (int64_t h = 0; h < attributes_.num_heads; ++h) {
      const SparseIndex index =
          attributes_.reference
              ? cpu::build_index_reference(call.attention, 0, h, reference_geometry(attributes_, call.shape.head_dim))
              : cpu::build_index_optimized(call.attention, 0, h, parallel);
      const int64_t base = range_offsets.back();
      for (size_t i = 1; i < index.range_offsets.size(); ++i) range_offsets.push_back(base + index.range_offsets[i]);
      for (const KeyRange& range : index.ranges) ranges.insert(ranges.end(), {range.begin, range.end});
      columns.insert(columns.end(), index.columns.begin(), index.columns.end());
      column_offsets.push_back(static_cast<int64_t>(columns.size()));
      tiles.push_back(index.tiles);
      flops.push_back(index.flops);
    }
    write(context, 0, {static_cast<int64_t>(range_offsets.size())}, range_offsets);
    write(context, 1, {static_cast<int64_t>(ranges.size() / 2), 2}, ranges);
    write(context, 2, {static_cast<int64_t>(column_offsets.size())}, column_offsets);
    write(context, 3, {static_cast<int64_t>(columns.size())}, columns);
    write(context, 4, {attributes_.num_heads}, tiles);
    write(context, 5, {attributes_.num_heads}, flops);
  });
}

}  // namespace minference::ops
