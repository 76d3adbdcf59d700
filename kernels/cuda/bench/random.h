// Random operands, made on the device.
#pragma once

#include <cuda_runtime_api.h>

#include "minference/params.h"

namespace minference::cuda::bench {

// Normal values; the same for a seed on every device.
void fill_normal(void* values, int64_t count, DataType dtype, uint64_t seed, cudaStream_t stream);

// `value` everywhere.
void fill_constant(void* values, int64_t count, DataType dtype, float value, cudaStream_t stream);

// Which keys get what: bits of the lists that the estimate is to find, for every KV head.
struct PlantedKeys {
  const uint8_t* bands;    // [kv_heads, tokens / 64]: 32 diagonals from this multiple of 64 on are chosen
  const uint8_t* columns;  // [kv_heads, tokens]
  int32_t near;            // diagonals 0 … near - 1 are chosen
};

// Rewrites the last 64 queries, [tokens, heads, head_dim], and the first 64 elements of the keys, [tokens, kv_heads,
// head_dim], so that these rows find the planted diagonals and columns: row r looks at element r, and a key has it
// where the row sees the key on a chosen diagonal. All other elements stay normal.
void plant(void* q, void* k, const AttentionShape& shape, const PlantedKeys& planted, DataType dtype, uint64_t seed,
           cudaStream_t stream);

}  // namespace minference::cuda::bench
