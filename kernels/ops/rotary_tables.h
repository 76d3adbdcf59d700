// The inputs of rotary embedding: tables of angles and explicit positions.
#pragma once

#include "minference/params.h"
#include "ort.h"

namespace minference::ops {

// Fills rotary_dim, cos_cache, sin_cache and position_ids of `params`, whose shape, past_lens and new_lens are set.
// Every position that the kernel will look up lies within the tables.
void read_rotary_tables(const Ort::KernelContext& context, RopeCacheParams& params);

}  // namespace minference::ops
