// The columns of all heads as contiguous rows: they are the same for every row block.
#pragma once

#include "jobs.h"
#include "minference/cuda.h"

namespace minference::cuda {

// Rows that a head with so many columns has among the gathered ones.
inline int64_t granule_rows(int64_t columns) { return (columns + kGranule - 1) / kGranule * kGranule; }

// Fills `columns` for plans[batch * num_heads + head], at the plans' column_row; heads that became dense are left out.
// `most`: the most columns of any head.
void gather_columns(const PlanCall& call, const void* v, const DevicePlan* plans, int64_t count, int64_t most,
                    const GatheredColumns& columns, const Context& context);

}  // namespace minference::cuda
