// What the kernels of one decode call read: passed by value, so that nothing has to be uploaded.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "minference/params.h"

namespace minference::cuda::decode_kernels {

constexpr int kMaxEntries = 64;  // batch entries per launch: what fits into kernel parameters

struct DecodeEntry {
  int32_t past;
  int32_t rows;   // that are not padding
  int32_t begin;  // keys that any row sees
  int32_t end;
  int32_t splits;      // parts of the keys; 0 when there are none
  int32_t first_part;  // number of this entry's first part
};

// Query rows are numbered row * group + head within the group: all that share one KV head.
struct DecodeWork {
  const void* q;
  int64_t q_stride_batch, q_stride_seq, q_stride_head;
  const void* k;
  const void* v;
  int64_t kv_stride_head;  // elements between two KV heads
  int32_t seqlen_q;
  int32_t num_heads;
  int32_t num_kv_heads;
  int32_t group;   // query heads per KV head
  int32_t window;  // < 0: none
  // Scores in units of log2: scale·q·k, or with softcap: cap * tanh(scale·q·k)
  float scale;
  float cap;  // 0: none
  const float* head_sink;
  // Part p of an entry's KV head h is number first_part + h * splits + p; it holds seqlen_q * group rows.
  float* part_out;     // [parts, rows, head_dim]: sums of exp2(score - max) * v
  float2* part_stats;  // [parts, rows]: max, sum of exp2(score - max)
  void* out;
  float* lse;
  int32_t first_batch;  // of entries[0]
  int32_t num_entries;
  DecodeEntry entries[kMaxEntries];
};

// Keys that a thread block takes at a time, and how many thread blocks run at once on the current device.
struct DecodeCapacity {
  int32_t tile_keys;
  int32_t resident_blocks;
};

// Both for head_dim 64, 96, 128, 256 and up to kMaxRows rows per KV head.
constexpr int kMaxRows = 64;
DecodeCapacity capacity(int64_t head_dim, int64_t rows, DataType dtype);
void launch_parts(const DecodeWork& work, int64_t head_dim, DataType dtype, cudaStream_t stream);

void launch_merge(const DecodeWork& work, int64_t head_dim, DataType dtype, cudaStream_t stream);

}  // namespace minference::cuda::decode_kernels
