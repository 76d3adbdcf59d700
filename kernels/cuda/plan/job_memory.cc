#include "job_memory.h"

#include <algorithm>

#include "arena.h"
#include "columns.h"

namespace minference::cuda {
namespace {

// A query block holds positions of at most two key blocks, which it keeps whatever `a` is.
int64_t blocks_stride(const CallShape& shape, const Job& job) {
  return std::min<int64_t>(pattern_blocks(int64_t{job.past} + job.rows),
                           shape.geometry().block_m / kPatternBlock * std::max<int64_t>(job.pattern.a, 2));
}

}  // namespace

void place_lists(const CallShape& shape, std::vector<Job>& jobs, const Context& context) {
  Arena arena;
  for (Job& job : jobs) {
    const int64_t total = int64_t{job.past} + job.rows, row_blocks = shape.row_blocks(job);
    if (!is(job, PatternKind::kDense)) arena.add(job.block_tiles, row_blocks);
    if (is(job, PatternKind::kVerticalSlash)) {
      const int64_t slashes = std::min<int64_t>(job.pattern.b, total);
      arena.add(job.columns, std::min<int64_t>(job.pattern.a, total));
      arena.add(job.slashes, slashes);
      arena.add(job.runs, std::max<int64_t>(1, slashes));
      arena.add(job.last_runs, slashes);
    } else {
      arena.add(job.runs, 1);  // dense and a_shape: their run; dense after the fallback
    }
    if (is(job, PatternKind::kBlockSparse)) {
      job.blocks_stride = static_cast<int32_t>(blocks_stride(shape, job));
      arena.add(job.key_blocks, row_blocks * job.blocks_stride);
      arena.add(job.block_counts, row_blocks);
    }
  }
  arena.allocate(context);
}

GatheredColumns ColumnMemory::place(const CallShape& shape, std::vector<Job>& jobs, const Context& context) {
  if (!shape.geometry().columns_in_place) return {};
  int64_t rows = 0;
  for (Job& job : jobs) {
    if (!is(job, PatternKind::kVerticalSlash)) continue;
    job.column_row = static_cast<int32_t>(rows);
    rows += granule_rows(std::min<int64_t>(job.pattern.a, int64_t{job.past} + job.rows));
  }
  if (rows > columns_.rows) {
    columns_.rows = std::max(rows, 2 * columns_.rows);
    uint16_t *keys, *values;
    Arena arena;
    arena.add(keys, columns_.rows * shape.head_dim());
    arena.add(values, columns_.rows * shape.head_dim());
    arena.allocate(context);
    columns_.keys = keys;
    columns_.values = values;
  }
  return {columns_.keys, columns_.values, rows};
}

}  // namespace minference::cuda
