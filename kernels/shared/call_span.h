// Which keys the rows of a call see, and in which blocks of an index they lie.
#pragma once

#include <cstdint>

#include "host_device.h"
#include "minference/pattern.h"

namespace minference {

// The rows of one call of one batch entry, at absolute positions past … past + rows - 1.
struct CallSpan {
  int64_t past;
  int64_t rows;
  int64_t window;  // local window; < 0 = none

  MINFERENCE_HOST_DEVICE int64_t total() const { return past + rows; }
  MINFERENCE_HOST_DEVICE int64_t row_blocks() const { return (rows + kPatternBlock - 1) / kPatternBlock; }
  // Position of a block's first row.
  MINFERENCE_HOST_DEVICE int64_t first(int64_t block) const { return past + block * kPatternBlock; }
  // Position of its last row.
  MINFERENCE_HOST_DEVICE int64_t last(int64_t block) const {
    const int64_t end = (block + 1) * kPatternBlock;
    return past + (rows < end ? rows : end) - 1;
  }
  // First key that a row at `position` sees.
  MINFERENCE_HOST_DEVICE int64_t low(int64_t position) const {
    return window < 0 || window > position ? 0 : position - window + 1;
  }
};

// Key blocks first … last are visible to a block of rows; from `own` on they hold its own positions.
struct VisibleBlocks {
  int64_t first, own, last;

  MINFERENCE_HOST_DEVICE VisibleBlocks(const CallSpan& span, int64_t block)
      : first(span.low(span.first(block)) / kPatternBlock),
        own(span.first(block) / kPatternBlock),
        last(span.last(block) / kPatternBlock) {
    if (own < first) own = first;
  }

  MINFERENCE_HOST_DEVICE int64_t count() const { return last - first + 1; }
};

}  // namespace minference
