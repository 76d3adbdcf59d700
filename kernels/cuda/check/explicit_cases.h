#pragma once

#include "attention_case.h"

namespace minference::cuda::check_kernels {

// Heads whose index the caller gives, beside heads with patterns.
std::vector<AttentionCase> explicit_cases();

}  // namespace minference::cuda::check_kernels
