#pragma once

#include <memory>
#include <vector>

#include "../operands/packed_kv.h"
#include "row_block_kernel.h"

namespace minference::cpu {

// Packed keys of all KV heads at once would double the cache's memory, so KV heads go through in waves that fit this.
constexpr int64_t kWaveBytes = int64_t{64} << 20;

struct KvUnit {
  int64_t batch, kv_head;
  std::unique_ptr<PackedKv> kv;
};

// KV heads of all batch entries that have rows, grouped into waves of at least one.
std::vector<std::vector<KvUnit>> kv_waves(const AttentionParams& params);

// Allocates and packs the keys and values of one wave.
void pack_wave(const KernelTable& kernels, const AttentionParams& params, std::vector<KvUnit>& wave,
               const ParallelFor& parallel);

}  // namespace minference::cpu
