#include "kv_waves.h"

#include <algorithm>

#include "run_tasks.h"

namespace minference::cpu {
namespace {

constexpr int64_t kPanelsPerTask = 64;

HeadView first_head(const AttentionParams& params, const KvUnit& unit) {
  return {params, unit.batch, unit.kv_head * (params.shape.num_heads / params.shape.num_kv_heads)};
}

}  // namespace

std::vector<std::vector<KvUnit>> kv_waves(const AttentionParams& params) {
  std::vector<std::vector<KvUnit>> waves;
  int64_t room = 0;
  for (int64_t b = 0; b < params.shape.batch; ++b) {
    for (int64_t h = 0; params.new_lens[b] > 0 && h < params.shape.num_kv_heads; ++h) {
      KvUnit unit{b, h, nullptr};
      const int64_t bytes = PackedKv::bytes(first_head(params, unit));
      if (waves.empty() || bytes > room) {
        waves.emplace_back();
        room = kWaveBytes;
      }
      waves.back().push_back(std::move(unit));
      room -= bytes;
    }
  }
  return waves;
}

void pack_wave(const KernelTable& kernels, const AttentionParams& params, std::vector<KvUnit>& wave,
               const ParallelFor& parallel) {
  struct Task {
    PackedKv* kv;
    int64_t begin;
  };
  std::vector<Task> tasks;
  for (KvUnit& unit : wave) {
    unit.kv = std::make_unique<PackedKv>(first_head(params, unit));
    for (int64_t begin = 0; begin < unit.kv->panels(); begin += kPanelsPerTask) tasks.push_back({unit.kv.get(), begin});
  }
  run_tasks(parallel, static_cast<int64_t>(tasks.size()), [&] {
    return [&](int64_t t) {
      tasks[t].kv->pack(kernels, tasks[t].begin, std::min(tasks[t].kv->panels(), tasks[t].begin + kPanelsPerTask));
    };
  });
}

}  // namespace minference::cpu
