// Outputs of indices, in the form of explicit ones (explicit_indices.h).
#pragma once

#include <functional>
#include <vector>

#include "minference/params.h"
#include "ort.h"

namespace minference::ops {

// Copies host bytes to where outputs live.
using Copy = std::function<void(void* to, const void* from, size_t bytes)>;
void copy_on_host(void* to, const void* from, size_t bytes);

// Writes the indices of all heads to the four outputs from `first` on: empty ones where there are none.
void write_indices(Ort::KernelContext& context, size_t first, const std::vector<SparseIndex>& heads, const Copy& copy);

// Whether some head asks for the indices (kGiveIndex).
bool gives_index(const std::vector<HeadPattern>& patterns);

// Fills SparseAttention's outputs of indices, where the node has them: with the indices that the CPU's kernels would
// compute, or what SnapKV keeps, if some head asks for them, else with nothing. `call`: queries and keys in host
// memory.
void give_indices(Ort::KernelContext& context, const AttentionParams& call, const ParallelFor& parallel,
                  const Copy& copy);

}  // namespace minference::ops
