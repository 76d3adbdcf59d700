// The methods, each in a file of its name. Block sizes and constants are those of their publications.
#pragma once

#include <vector>

#include "../cpu/operands/head_view.h"
#include "minference/pattern.h"
#include "minference/sparse_index.h"

namespace minference::rivals {

using cpu::HeadView;

// a = columns per row block of 64 rows: those with the largest sums of attention probabilities, of all keys.
HeadIndex top_k(const HeadView& view, const HeadPattern& pattern);
// a = γ in millionths, b = least budget in tokens.
HeadIndex flex_prefill(const HeadView& view, const HeadPattern& pattern);
// a = threshold in millionths, b = stride.
HeadIndex x_attention(const HeadView& view, const HeadPattern& pattern);
// a = α in millionths.
HeadIndex flash_prefill(const HeadView& view, const HeadPattern& pattern);
// a = retrieved blocks, b = local window in tokens. The blocks are chosen by all heads together: one index for them.
HeadIndex inf_llm(const std::vector<HeadView>& heads, const HeadPattern& pattern, const ParallelFor& parallel);

}  // namespace minference::rivals
