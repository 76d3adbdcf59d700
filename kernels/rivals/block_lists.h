#pragma once

#include <vector>

#include "../shared/call_span.h"
#include "minference/sparse_index.h"

namespace minference::rivals {

constexpr int64_t kBlock = 128;  // query and key block of FlexPrefill, XAttention, FlashPrefill and InfLLM

inline int64_t blocks_of(int64_t keys) { return (keys + kBlock - 1) / kBlock; }

// Blocks of kBlock positions, counted from position 0, that hold rows of a call.
struct QueryBlocks {
  int64_t first, end;

  explicit QueryBlocks(const CallSpan& span) : first(span.past / kBlock), end(blocks_of(span.total())) {}
  int64_t count() const { return end - first; }
};

// Kept key blocks of each query block, ascending or not, as an index: a row block of 64 rows takes those of the query
// blocks that it lies in.
HeadIndex to_index(const CallSpan& span, const std::vector<std::vector<int32_t>>& kept);

// Every key of every row.
HeadIndex whole_context(const CallSpan& span);

}  // namespace minference::rivals
