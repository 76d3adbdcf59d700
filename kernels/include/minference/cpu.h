// Entry points of the CPU kernels. `reference` is the specification: naive loops, double accumulation. `optimized` is
// what users run. Both throw std::invalid_argument for parameters outside the contract and never print or exit.
#pragma once

#include "minference/params.h"

namespace minference::cpu {

// Geometry of the optimized kernel on this processor.
KernelGeometry optimized_geometry(int64_t head_dim);
// "avx512", "avx2" or "generic": what the optimized kernel selected at run time.
const char* simd_level();

void rope_and_cache_reference(const RopeCacheParams& params);
void rope_and_cache_optimized(const RopeCacheParams& params, const ParallelFor& parallel);

void attention_reference(const AttentionParams& params, const KernelGeometry& geometry);
void attention_optimized(const AttentionParams& params, const ParallelFor& parallel);

void probe_reference(const ProbeParams& params, const KernelGeometry& geometry);
void probe_optimized(const ProbeParams& params, const ParallelFor& parallel);

// Index of one head of one batch entry, for tests, plots and cost reports (never falls back to dense).
SparseIndex build_index_reference(const AttentionParams& params, int64_t batch, int64_t head,
                                  const KernelGeometry& geometry);
SparseIndex build_index_optimized(const AttentionParams& params, int64_t batch, int64_t head,
                                  const ParallelFor& parallel);

}  // namespace minference::cpu
