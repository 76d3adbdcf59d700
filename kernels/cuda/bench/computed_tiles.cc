#include "computed_tiles.h"

#include <cstdio>

#include "bench.h"

namespace minference::cuda::bench {

ComputedTiles count_tiles_of(const AttentionParams& p, const Planner& planner, const Plans& plans,
                             const KernelGeometry& geometry) {
  double tiles = 0;
  int64_t dense_heads = 0;
  for (const PlanCost& cost : planner.costs(plans, p.patterns)) {
    tiles += static_cast<double>(cost.tiles);
    dense_heads += cost.dense ? 1 : 0;
  }
  return {4.0 * geometry.block_m * geometry.block_n * static_cast<double>(p.shape.head_dim) * tiles, dense_heads};
}

std::string describe_share(const ComputedTiles& tiles, const Shape& shape) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.2f %% of dense FLOPs", 100 * tiles.flops / dense_flops(shape));
  return text;
}

}  // namespace minference::cuda::bench
