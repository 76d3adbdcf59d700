// The walk of the Hopper kernel's producer over made-up plans: contexts of many windows, far longer than what the
// checks of attention can compute. Every granule and every column that a row block computes must come exactly once.
#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

#include "../sm90/tile_walk.cuh"
#include "common/launch.cuh"
#include "memory.h"
#include "report.h"

namespace minference::cuda::check_kernels {
namespace {

using namespace sm90;

constexpr int kMostTiles = 4096;  // of an item

struct alignas(16) TileRecord {
  int32_t keys[kKeys];
  uint32_t wanted[32];  // by lane
  int32_t begins[kGranules];
  uint32_t for_whom, columns, is_last;
};

struct WalkCase {
  int32_t past, rows;
  int64_t window;
  std::vector<int32_t> columns;
  std::vector<DiagonalRun> runs;
  std::vector<uint16_t> blocks;  // with any, the plan is block_sparse; the same for all row blocks
};

// grid: items. The warps share out the tiles as the producer's do.
__global__ void walk_kernel(DevicePlan plan, int32_t past, int32_t rows, int64_t window, int32_t first_item,
                            TileRecord* records, int32_t* counts) {
  auto* spaces = reinterpret_cast<WalkSpace*>(dynamic_shared());
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int64_t index = int64_t{first_item + static_cast<int32_t>(blockIdx.x)} * kHalves;
  TileWalk walk(plan, RowBlock::at(index, kBlockRows, past, rows, window),
                RowBlock::at(index + 1, kBlockRows, past, rows, window), index, warp, spaces[warp]);
  while (walk.next()) {
    if (walk.number >= kMostTiles) continue;
    TileRecord& record = records[int64_t{blockIdx.x} * kMostTiles + walk.number];
    reinterpret_cast<int4*>(record.keys)[lane] = walk.tile.keys;
    record.wanted[lane] = walk.tile.wanted;
    if (lane % 8 == 0) record.begins[lane / 8] = walk.tile.begin;
    record.for_whom = walk.tile.for_whom;
    record.columns = walk.tile.columns;
    record.is_last = walk.is_last;
  }
  if (lane == 0) counts[kProducerWarps * blockIdx.x + warp] = walk.num_tiles();
}

// What one row block is to compute, and what came of it.
struct Expected {
  std::set<int32_t> granules, columns, pieces;

  Expected(const WalkCase& c, const DevicePlan& plan, int64_t index) {
    const RowBlock block = RowBlock::at(index, kBlockRows, c.past, c.rows, c.window);
    if (block.first > block.last) return;
    for (BlockRanges ranges(plan, block, index, kGranule); ranges.next();) {
      for (int32_t key = ranges.range.begin; key < ranges.range.end; key += kGranule) granules.insert(key / kGranule);
    }
    for (size_t i = 0; i < c.columns.size(); ++i) {
      const int32_t column = c.columns[i];
      if (column < block.low || column > block.last || granules.contains(column / kGranule)) continue;
      columns.insert(column);
      pieces.insert(static_cast<int32_t>(i / kGranule));
    }
  }
};

// Takes what the tile has for a row block out of what is expected.
std::string take_tile(const WalkCase& c, const DevicePlan& plan, const TileRecord& tile, int half, Expected& left) {
  const auto text = [&](const char* what, int32_t key) { return std::string(what) + " " + std::to_string(key); };
  for (int g = 0; g < kGranules; ++g) {
    bool any = false;
    for (int i = g * kGranule; i < (g + 1) * kGranule; ++i) {
      if ((tile.wanted[i / kLaneKeys] >> (i % kLaneKeys + half * kLaneKeys) & 1) == 0) continue;
      any = true;
      if ((tile.columns >> g & 1) == 0) {
        if (tile.keys[i] != tile.begins[g] + i % kGranule) return text("a range is not consecutive at", tile.keys[i]);
        continue;
      }
      if (left.columns.erase(tile.keys[i]) == 0) return text("unexpected column", tile.keys[i]);
      const auto place = static_cast<int32_t>(tile.begins[g] - plan.column_row + i % kGranule);
      if (place >= static_cast<int32_t>(c.columns.size()) || c.columns[place] != tile.keys[i]) {
        return text("another row for column", tile.keys[i]);
      }
    }
    if (!any && tile.begins[g] != kNothing) return text("a useless granule at", tile.begins[g]);
    if (!any) continue;
    if ((tile.columns >> g & 1) == 0) {
      if (left.granules.erase(tile.begins[g] / kGranule) == 0) return text("unexpected granule at", tile.begins[g]);
    } else if (left.pieces.erase(static_cast<int32_t>(tile.begins[g] - plan.column_row) / kGranule) == 0) {
      return text("a piece of the list comes twice, at row", tile.begins[g]);
    }
  }
  return "";
}

std::string run_case(const WalkCase& c) {
  DeviceMemory memory;
  DevicePlan host{};
  host.kind = static_cast<int32_t>(c.blocks.empty() ? PatternKind::kVerticalSlash : PatternKind::kBlockSparse);
  host.num_runs = host.num_last_runs = static_cast<int32_t>(c.runs.size());
  host.num_columns = static_cast<int32_t>(c.columns.size());
  host.column_row = 5 * kGranule;
  const int32_t row_blocks = (c.rows + kBlockRows - 1) / kBlockRows, items = (row_blocks + kHalves - 1) / kHalves;
  const std::vector<int32_t> block_counts(row_blocks + 1, static_cast<int32_t>(c.blocks.size()));
  DevicePlan plan = host;
  plan.runs = plan.last_runs = memory.upload(c.runs);
  plan.columns = memory.upload(c.columns);
  plan.key_blocks = memory.upload(c.blocks);
  plan.block_counts = memory.upload(block_counts);
  host.runs = host.last_runs = c.runs.data();
  host.columns = c.columns.data();
  host.key_blocks = c.blocks.data();
  host.block_counts = block_counts.data();
  const int32_t taken = std::min(items, 3), first_item = items - taken;
  auto* records = static_cast<TileRecord*>(memory.allocate(sizeof(TileRecord) * taken * kMostTiles));
  auto* counts = static_cast<int32_t*>(memory.allocate(sizeof(int32_t) * taken * kProducerWarps));
  // Records have a hole at their end; they are downloaded whole.
  check(cudaMemset(records, 0, sizeof(TileRecord) * taken * kMostTiles), "clearing the records");
  launch(walk_kernel, dim3(taken), dim3(kProducerThreads), sizeof(WalkSpace) * kProducerWarps, nullptr, plan, c.past,
         c.rows, c.window, first_item, records, counts);
  const auto found = download<int32_t>(counts, static_cast<size_t>(taken) * kProducerWarps);
  for (int32_t item = 0; item < taken; ++item) {
    const int32_t count = found[kProducerWarps * item];
    for (int w = 1; w < kProducerWarps; ++w) {
      if (found[kProducerWarps * item + w] != count) return "the warps count different tiles";
    }
    if (count > kMostTiles) return "too many tiles for the check";
    const auto tiles = download<TileRecord>(records + int64_t{item} * kMostTiles, count);
    const int64_t index = int64_t{first_item + item} * kHalves;
    for (int half = 0; half < kHalves; ++half) {
      Expected left(c, host, index + half);
      for (int32_t t = 0; t < count; ++t) {
        if (tiles[t].is_last != (t == count - 1 ? 1u : 0u)) return "the last tile is another one";
        if ((tiles[t].for_whom >> half & 1) == 0) continue;
        const std::string problem = take_tile(c, host, tiles[t], half, left);
        if (!problem.empty()) return "row block " + std::to_string(index + half) + ": " + problem;
      }
      if (!left.granules.empty()) return "granule " + std::to_string(*left.granules.begin()) + " is missing";
      if (!left.columns.empty()) return "column " + std::to_string(*left.columns.begin()) + " is missing";
    }
  }
  return "";
}

WalkCase random_case(uint32_t seed) {
  std::mt19937 random(seed);
  const auto between = [&](int64_t first, int64_t last) {
    return static_cast<int32_t>(first + static_cast<int64_t>(random() % static_cast<uint64_t>(last - first + 1)));
  };
  WalkCase c{.past = between(0, 1) == 0 ? 0 : between(1, 400'000), .rows = between(1, 700), .window = -1};
  const int32_t total = c.past + c.rows;
  if (between(0, 4) == 0) c.window = between(1, total);
  std::set<int32_t> columns;
  const int32_t many = between(0, 3) == 0 ? between(0, 3000) : between(0, 200);
  for (int32_t i = 0; i < many; ++i) columns.insert(between(0, total - 1));
  // Close together about the ends of windows, so that a granule of columns lies in two.
  for (int64_t end = kWindow; end < total / kGranule + kWindow; end += kWindow) {
    const int32_t spread = between(1, 2000), count = between(0, 60);
    for (int32_t i = 0; i < count; ++i) {
      const int64_t key = end * kGranule + between(-spread, spread);
      if (key >= 0 && key < total) columns.insert(static_cast<int32_t>(key));
    }
  }
  c.columns.assign(columns.begin(), columns.end());
  if (between(0, 5) == 0) {
    std::set<uint16_t> blocks;
    for (int32_t i = between(1, 100); i > 0; --i) {
      blocks.insert(static_cast<uint16_t>(between(0, std::min((total - 1) / kPatternBlock, 65'535))));
    }
    c.blocks.assign(blocks.begin(), blocks.end());
    c.columns.clear();
    return c;
  }
  const bool sparse = between(0, 2) == 0;
  for (int64_t slash = between(0, 3000); slash < total;) {
    const int64_t last = std::min<int64_t>(slash + between(0, sparse ? 40 : 4000), total - 1);
    c.runs.push_back({static_cast<int32_t>(slash), static_cast<int32_t>(last)});
    slash = last + kBlockRows + 1 + between(0, sparse ? 200'000 : 5000);
  }
  return c;
}

}  // namespace

void add_walk_checks(std::vector<Check>& checks) {
  constexpr uint32_t kCases = 120;
  checks.push_back({"walk: random plans", [](std::string& note) {
                      for (uint32_t seed = 1; seed <= kCases; ++seed) {
                        const std::string problem = run_case(random_case(seed));
                        if (!problem.empty()) return "case " + std::to_string(seed) + ": " + problem;
                      }
                      note = std::to_string(kCases) + " plans";
                      return std::string();
                    }});
}

}  // namespace minference::cuda::check_kernels
