// Calls with elements that are no finite numbers, each for something that they may spoil.
#pragma once

#include "attention_case.h"

namespace minference::cuda::check_kernels {

std::vector<AttentionCase> anomaly_cases();

}  // namespace minference::cuda::check_kernels
