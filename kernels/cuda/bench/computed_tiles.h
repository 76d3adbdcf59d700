// What a plan's heads compute.
#pragma once

#include <string>

#include "../plan/planner.h"
#include "operands.h"

namespace minference::cuda::bench {

struct ComputedTiles {
  double flops = 0;
  int64_t dense_heads = 0;
};

// Waits for the device.
ComputedTiles count_tiles_of(const AttentionParams& params, const Planner& planner, const Plans& plans,
                             const KernelGeometry& geometry);

// "12.34 % of dense FLOPs"
std::string describe_share(const ComputedTiles& tiles, const Shape& shape);

}  // namespace minference::cuda::bench
