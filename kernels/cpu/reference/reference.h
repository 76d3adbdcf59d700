// The specification of the CPU kernels: naive loops over single elements, double accumulation, no SIMD, no threads.
#pragma once

#include <vector>

#include "minference/cpu.h"

namespace minference::cpu::reference {

double load(const void* data, int64_t element, DataType dtype);
void store(void* data, int64_t element, double value, DataType dtype);

// Whether a logit makes its row NaN: it is NaN, +inf, or beyond the range of float.
bool breaks_row(double logit);

// Logit of row `row` of this call against key `key`: scaled and soft-capped. -inf where the row does not see the key
// (causality, local window).
double logit(const AttentionParams& params, int64_t batch, int64_t head, int64_t row, int64_t key);

// Index of `pattern` for one head, at the rounding of `geometry`.
SparseIndex build_index(const AttentionParams& params, int64_t batch, int64_t head, const HeadPattern& pattern,
                        const KernelGeometry& geometry);

// Keys the rows of one row block compute, ascending: its ranges and the columns outside them.
std::vector<int64_t> block_keys(const AttentionParams& params, int64_t batch, const SparseIndex& index,
                                int64_t row_block, const KernelGeometry& geometry);

struct HeadResult {
  std::vector<double> out;  // [new_len, head_dim]
  std::vector<double> lse;  // [new_len], natural log, without the head sink
};
HeadResult attend(const AttentionParams& params, int64_t batch, int64_t head, const SparseIndex& index,
                  const KernelGeometry& geometry);

}  // namespace minference::cpu::reference
