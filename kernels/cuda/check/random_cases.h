// Calls of attention with everything chosen at random: sizes, patterns, lengths, options.
#pragma once

#include <vector>

#include "attention_case.h"

namespace minference::cuda::check_kernels {

// The first `count`; case i is the same whatever `count` is.
std::vector<AttentionCase> random_cases(int count);

// Of such calls, with up to four elements that are no finite numbers, wherever they may be.
std::vector<AttentionCase> random_anomaly_cases(int count);

}  // namespace minference::cuda::check_kernels
