// Estimates are made for as many heads at a time as a bounded piece of memory holds: a wave. Kept ones (the probe's)
// are made once for all heads, and every job is in the one wave, which has nothing left to make.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace minference::cuda {

constexpr size_t kWaveBytes = size_t{96} << 20;  // of estimates at a time

// Jobs begin … end - 1 and what has to be made for them first.
template <typename Slot>
struct Wave {
  int64_t begin, end;
  std::vector<Slot> slots;
};

}  // namespace minference::cuda
