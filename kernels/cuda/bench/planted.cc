#include "planted.h"

#include <algorithm>
#include <cstdio>
#include <random>
#include <set>

#include "random.h"

namespace minference::cuda::bench {
namespace {

template <typename T>
std::vector<T> download(const T* device, int64_t count) {
  std::vector<T> host(static_cast<size_t>(count));
  check(cudaMemcpy(host.data(), device, host.size() * sizeof(T), cudaMemcpyDeviceToHost), "reading a plan");
  return host;
}

Lists random_lists(int64_t tokens, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::set<int32_t> columns, slashes;
  for (int32_t i = 0; i < kForcedColumns; ++i) columns.insert(i);
  // Every last row sees them, outside the nearest diagonals.
  const auto reach = static_cast<uint64_t>(tokens - kNear - kLastQ);
  while (columns.size() < kColumns) columns.insert(static_cast<int32_t>(random() % reach));
  for (int32_t i = 0; i < kNear; ++i) slashes.insert(i);
  while (slashes.size() < kSlashes) {
    const auto band =
        static_cast<int32_t>(kNear + random() % ((reach - kPatternBlock) / kPatternBlock) * kPatternBlock);
    for (int32_t i = 0; i < kPatternBlock / 2; ++i) slashes.insert(band + i);
  }
  return {{columns.begin(), columns.end()}, {slashes.begin(), slashes.end()}};
}

// The diagonals among `expected` that lie in one of the plan's runs, and how many lie in them at all.
std::pair<int64_t, int64_t> count_slashes(const std::vector<DiagonalRun>& runs, const std::vector<int32_t>& expected) {
  int64_t found = 0, covered = 0;
  for (const DiagonalRun& run : runs) {
    const auto begin = std::lower_bound(expected.begin(), expected.end(), run.first);
    found += std::upper_bound(begin, expected.end(), run.last) - begin;
    covered += int64_t{run.last} - run.first + 1;
  }
  return {found, covered};
}

}  // namespace

std::vector<Lists> plant_lists(const Operands& operands, cudaStream_t stream) {
  const AttentionShape& shape = operands.rope().shape;
  const int64_t n = shape.seqlen_q, blocks = n / kPatternBlock;
  std::vector<Lists> lists;
  std::vector<uint8_t> bands(static_cast<size_t>(shape.num_kv_heads * blocks));
  std::vector<uint8_t> columns(static_cast<size_t>(shape.num_kv_heads * n));
  for (int64_t h = 0; h < shape.num_kv_heads; ++h) {
    lists.push_back(random_lists(n, static_cast<uint64_t>(h) + 1));
    for (const int32_t slash : lists.back().slashes) {
      if (slash >= kNear) bands[static_cast<size_t>(h * blocks + slash / kPatternBlock)] = 1;
    }
    for (const int32_t column : lists.back().columns) {
      // The first ones are chosen in any case.
      if (column >= kForcedColumns) columns[static_cast<size_t>(h * n + column)] = 1;
    }
  }
  const DeviceBlock device_bands(bands.size()), device_columns(columns.size());
  check(cudaMemcpy(device_bands.get(), bands.data(), bands.size(), cudaMemcpyHostToDevice), "planting");
  check(cudaMemcpy(device_columns.get(), columns.data(), columns.size(), cudaMemcpyHostToDevice), "planting");
  const PlantedKeys planted{static_cast<const uint8_t*>(device_bands.get()),
                            static_cast<const uint8_t*>(device_columns.get()), kNear};
  plant(operands.q(), operands.k(), shape, planted, operands.rope().dtype, 99, stream);
  check(cudaStreamSynchronize(stream), "planting");
  return lists;
}

std::string compare_with_planted(const AttentionParams& params, const Plans& plans, const std::vector<Lists>& planted) {
  const int64_t heads = params.shape.num_heads, group = heads / params.shape.num_kv_heads;
  int64_t columns = 0, slashes = 0, covered = 0, dense = 0;
  const std::vector<DevicePlan> host = download(plans.plans, heads);
  for (int64_t h = 0; h < heads; ++h) {
    const DevicePlan& plan = host[static_cast<size_t>(h)];
    const Lists& expected = planted[static_cast<size_t>(h / group)];
    if (plan.kind == static_cast<int32_t>(PatternKind::kDense)) {
      ++dense;
      continue;
    }
    const std::vector<int32_t> found = download(plan.columns, plan.num_columns);
    std::vector<int32_t> both;
    std::set_intersection(found.begin(), found.end(), expected.columns.begin(), expected.columns.end(),
                          std::back_inserter(both));
    columns += static_cast<int64_t>(both.size());
    const auto [of_them, in_all] = count_slashes(download(plan.runs, plan.num_runs), expected.slashes);
    slashes += of_them;
    covered += in_all;
  }
  char text[160];
  std::snprintf(text, sizeof(text), "%.1f %% of the planted columns, %.1f %% of the slashes; runs of %.0f slashes%s",
                100.0 * static_cast<double>(columns) / static_cast<double>(heads * kColumns),
                100.0 * static_cast<double>(slashes) / static_cast<double>(heads * kSlashes),
                static_cast<double>(covered) / static_cast<double>(heads), dense > 0 ? "; SOME HEADS ARE DENSE" : "");
  return text;
}

}  // namespace minference::cuda::bench
