// The lists of design.md §8, planted into queries and keys so that the estimate chooses them.
#pragma once

#include <string>
#include <vector>

#include "../plan/planner.h"
#include "operands.h"

namespace minference::cuda::bench {

constexpr int32_t kColumns = 1000;  // 0 … 29 and random others
constexpr int32_t kNear = 2048;     // diagonals 0 … 2047
constexpr int32_t kBands = 64;      // of 32 diagonals, at random multiples of 64
constexpr int32_t kSlashes = kNear + 32 * kBands;

struct Lists {
  std::vector<int32_t> columns, slashes;  // ascending
};

// Plants other lists for every KV head; returns them.
std::vector<Lists> plant_lists(const Operands& operands, cudaStream_t stream);

// How much of the lists the plans' columns and diagonals are, in words.
std::string compare_with_planted(const AttentionParams& params, const Plans& plans, const std::vector<Lists>& planted);

}  // namespace minference::cuda::bench
