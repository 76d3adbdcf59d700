// The costs that a session was given, by which heads fall back to dense.
#pragma once

#include "minference/costs.h"
#include "ort.h"

namespace minference::ops {

// Session configuration entry `key`, such as "sparse_tile=1.1 least_context=1024": fields of CostModel by name; those
// that it leaves out, or all without an entry, are `defaults`. Throws std::invalid_argument for unknown fields and for
// values that are no finite numbers >= 0.
CostModel session_costs(const Ort::ConstKernelInfo& info, const char* key, const CostModel& defaults);

constexpr const char* kCpuCostsKey = "ai.minference.costs.cpu";
constexpr const char* kCudaCostsKey = "ai.minference.costs.cuda";

}  // namespace minference::ops
