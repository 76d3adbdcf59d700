// Counters by session, and how a program reads them.
#pragma once

#include <memory>

#include "minference/counters.h"
#include "ort.h"

namespace minference::ops {

// Session configuration entry: a name of the session's counters, unique in the process. Without it nobody counts.
constexpr const char* kSessionKey = "ai.minference.session";

// The counters that all kernels of a session share; they live as long as one of these does. Null without the entry.
std::shared_ptr<Counters> session_counters(const Ort::ConstKernelInfo& info);

}  // namespace minference::ops

// Reads the counters of the session that was given this name: nanoseconds of building indices, nanoseconds of the
// attention ops altogether, their finished calls, tiles computed, tiles of dense attention. Writes the first `count` of
// them; more may follow in later versions. Waits for nothing: on a GPU, what is not finished is not counted yet.
// Returns how many there are, or 0 where no session of that name has attention ops.
extern "C" __attribute__((visibility("default"))) int32_t MinferenceReadCounters(const char* session, int64_t* values,
                                                                                 int32_t count);
