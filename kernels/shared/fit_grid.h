// The sizes that fitting a candidate tries, from the smallest to the first that covers the context: HeadPattern
// describes them.
#pragma once

#include <cstdint>

#include "host_device.h"
#include "minference/pattern.h"

namespace minference {

// Whether a pattern covers every key of a context of `total`.
MINFERENCE_HOST_DEVICE inline bool covers_context(const HeadPattern& pattern, int64_t total) {
  switch (static_cast<PatternKind>(pattern.kind)) {
    case PatternKind::kDense:
      return true;
    case PatternKind::kExplicit:
      return false;
    case PatternKind::kBlockSparse:
      return int64_t{pattern.a} * kPatternBlock >= total;
    default:
      return pattern.a >= total || pattern.b >= total;
  }
}

struct FitGrid {
  HeadPattern candidate;
  int64_t steps = 1;

  MINFERENCE_HOST_DEVICE FitGrid(const HeadPattern& pattern, int64_t total) : candidate(pattern) {
    if (is_blocks()) {
      const int64_t blocks = (total + kPatternBlock - 1) / kPatternBlock;
      if (fits_a() && blocks > 1) steps = blocks;
    } else if (pattern.kind != static_cast<int32_t>(PatternKind::kDense) && (fits_a() || fits_b())) {
      const int64_t smallest = leading() % kFitStep;
      if (total > smallest) steps = (total - smallest + kFitStep - 1) / kFitStep + 1;
    }
  }

  MINFERENCE_HOST_DEVICE HeadPattern at(int64_t step) const {
    HeadPattern pattern = candidate;
    if (is_blocks()) {
      if (fits_a()) pattern.a = static_cast<int32_t>(step + 1);
      return pattern;
    }
    if (pattern.kind == static_cast<int32_t>(PatternKind::kDense) || (!fits_a() && !fits_b())) return pattern;
    const int64_t first = leading(), lead = first % kFitStep + step * kFitStep;
    int64_t other = a_leads() ? candidate.b : candidate.a;
    if (fits_a() && fits_b()) other = first == 0 ? lead : (2 * lead * other + first) / (2 * first);
    pattern.a = static_cast<int32_t>(a_leads() ? lead : other);
    pattern.b = static_cast<int32_t>(a_leads() ? other : lead);
    return pattern;
  }

 private:
  MINFERENCE_HOST_DEVICE bool is_blocks() const {
    return candidate.kind == static_cast<int32_t>(PatternKind::kBlockSparse);
  }
  MINFERENCE_HOST_DEVICE bool fits_a() const { return (candidate.flags & kFitA) != 0; }
  MINFERENCE_HOST_DEVICE bool fits_b() const { return (candidate.flags & kFitB) != 0; }
  MINFERENCE_HOST_DEVICE bool a_leads() const { return fits_a() && (!fits_b() || candidate.a >= candidate.b); }
  MINFERENCE_HOST_DEVICE int64_t leading() const { return a_leads() ? candidate.a : candidate.b; }
};

}  // namespace minference
