// What building an index takes, in FLOPs as SparseIndex::flops counts them. Selection and merging are not counted.
#pragma once

#include <cstdint>

#include "call_span.h"

namespace minference {

// Of a vertical_slash head: 2·head_dim for each score of the last kLastQ rows.
inline double last_rows_flops(const CallSpan& span, int64_t head_dim) {
  const int64_t rows = span.rows < kLastQ ? span.rows : kLastQ;
  return 2.0 * static_cast<double>(head_dim) * static_cast<double>(rows) * static_cast<double>(span.total());
}

// Scores of pooled blocks that a block_sparse head ranks.
inline double pooled_scores(const CallSpan& span) {
  double scores = 0;
  for (int64_t block = 0; block < span.row_blocks(); ++block) {
    scores += static_cast<double>(VisibleBlocks(span, block).count());
  }
  return scores;
}

// Of a block_sparse head: head_dim per pooled element, 2·head_dim per score.
inline double pooled_flops(const CallSpan& span, int64_t head_dim) {
  if (span.rows == 0) return 0;
  return static_cast<double>(head_dim) * (static_cast<double>(span.rows + span.total()) + 2.0 * pooled_scores(span));
}

}  // namespace minference
