#include "sparse_index_op.h"

#include <algorithm>

#include "../rivals/rivals.h"
#include "attention_call.h"
#include "explicit_indices.h"
#include "implementation.h"
#include "index_outputs.h"
#include "parallel_for.h"
#include "pattern_rows.h"

namespace minference::ops {
namespace {

template <typename T>
void write(Ort::KernelContext& context, size_t output, const std::vector<T>& data) {
  const Shape shape{static_cast<int64_t>(data.size())};
  std::copy(data.begin(), data.end(), context.GetOutput(output, shape).GetTensorMutableData<T>());
}

}  // namespace

OrtStatusPtr SparseIndexKernel::ComputeV2(OrtKernelContext* raw) {
  return as_status(SparseIndexSpec::name, [&] {
    Ort::KernelContext context(raw);
    std::vector<HeadPattern> patterns = read_head_patterns(context, attributes_.num_heads);
    AttentionCall call(context, attributes_, dtype_, OutputSet::kNone, Scratch::on_host(context));
    const std::vector<float> sink = read_host_sink(call);
    expect(call.shape.batch > 0, "expected a batch of at least 1, found 0");
    std::vector<HeadIndex> indices = read_explicit_indices(context, call.attention);
    const ParallelFor parallel = parallel_for(raw);
    rope_and_cache(attributes_, call.rope, parallel);
    rivals::resolve(call.attention, patterns, indices, parallel);
    set_patterns(call.attention, patterns, indices);

    std::vector<SparseIndex> heads;
    const KernelGeometry geometry = reference_geometry(attributes_, call.shape.head_dim);
    for (int64_t head = 0; head < attributes_.num_heads; ++head) {
      heads.push_back(attributes_.reference ? cpu::build_index_reference(call.attention, 0, head, geometry)
                                            : cpu::build_index_optimized(call.attention, 0, head, parallel));
    }
    write_indices(context, 0, heads, copy_on_host);
    std::vector<int64_t> tiles;
    std::vector<double> flops;
    for (const SparseIndex& head : heads) {
      tiles.push_back(head.tiles);
      flops.push_back(head.flops);
    }
    write(context, 4, tiles);
    write(context, 5, flops);
  });
}

}  // namespace minference::ops
