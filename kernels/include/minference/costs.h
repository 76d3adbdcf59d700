// What an index and sparse tiles cost on one device, in FLOPs of its own dense attention that take as long: by it, a
// head falls back to dense where that is as fast.
#pragma once

#include <cstdint>

namespace minference {

struct CostModel {
  double sparse_tile;       // a tile of a sparse head, in tiles of a dense one
  double index_flop;        // a FLOP of the last rows' estimate
  double pooled_flop;       // a FLOP of the pooled means and scores
  double select_per_key;    // ranking columns and diagonals, per key
  double select_per_score;  // ranking pooled scores, each
  double pack_per_column;   // gathering one column
  double per_head;          // launches and what else does not depend on lengths
  int64_t least_context;    // shorter contexts are dense whatever the pattern
};

// Where nothing was measured. Of Zen 4 with AVX-512, whose dense kernel is so fast that an index is relatively dearest:
// other processors lose a little speed by it, none gets slower than dense.
constexpr CostModel kCpuCosts{.sparse_tile = 1.04,
                              .index_flop = 2,
                              .pooled_flop = 2,
                              .select_per_key = 4000,
                              .select_per_score = 400,
                              .pack_per_column = 10000,
                              .per_head = 0,
                              .least_context = 0};

// Estimates for an H200, whose dense kernel is fast in the same way.
constexpr CostModel kCudaCosts{.sparse_tile = 1.15,
                               .index_flop = 6,
                               .pooled_flop = 15,
                               .select_per_key = 16000,
                               .select_per_score = 2000,
                               .pack_per_column = 0,
                               .per_head = 2e9,
                               .least_context = 0};

}  // namespace minference
