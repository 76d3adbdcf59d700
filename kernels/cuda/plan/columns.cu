#include <algorithm>

#include "columns.h"
#include "common/launch.cuh"

namespace minference::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kMostGranules = 1024;  // in a grid; blocks take several where there are more

// grid: (plans, granules). 16 bytes a thread; neighbouring threads take neighbouring pieces of a row.
__global__ void __launch_bounds__(kThreads)
    gather_kernel(PlanCall call, const void* v, const DevicePlan* plans, GatheredColumns columns) {
  const DevicePlan plan = plans[blockIdx.x];
  if (plan.kind != static_cast<int32_t>(PatternKind::kVerticalSlash)) return;
  const int32_t pieces = call.head_dim / 8, granules = (plan.num_columns + kGranule - 1) / kGranule;
  const int64_t kv_head = blockIdx.x / (call.num_heads / call.num_kv_heads);  // batch * num_kv_heads + kv head
  const auto* keys = static_cast<const uint4*>(call.k) + kv_head * call.capacity * pieces;
  const auto* values = static_cast<const uint4*>(v) + kv_head * call.capacity * pieces;
  for (int32_t granule = blockIdx.y; granule < granules; granule += gridDim.y) {
    const int64_t first = int64_t{plan.column_row} + granule * kGranule;
    for (int32_t i = threadIdx.x; i < kGranule * pieces; i += kThreads) {
      const int32_t column = granule * kGranule + i / pieces, piece = i % pieces;
      uint4 key{}, value{};
      if (column < plan.num_columns) {
        const int64_t from = int64_t{plan.columns[column]} * pieces + piece;
        key = keys[from];
        value = values[from];
      }
      static_cast<uint4*>(columns.keys)[first * pieces + i] = key;
      static_cast<uint4*>(columns.values)[first * pieces + i] = value;
    }
  }
}

}  // namespace

void gather_columns(const PlanCall& call, const void* v, const DevicePlan* plans, int64_t count, int64_t most,
                    const GatheredColumns& columns, const Context& context) {
  if (columns.rows == 0) return;
  const int64_t granules = std::min(granule_rows(most) / kGranule, kMostGranules);
  launch(gather_kernel, dim3(static_cast<unsigned>(count), static_cast<unsigned>(granules)), dim3(kThreads), 0,
         context.stream, call, v, plans, columns);
}

}  // namespace minference::cuda
