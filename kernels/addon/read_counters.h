// The counters of a session, read from the op library.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace minference::addon {

// Of the session whose configuration entry ai.minference.session is `session`, in the order of
// kernels/ops/session_counters.h; empty where it has no attention ops. Throws std::runtime_error when `library` is not
// loaded or has no counters.
std::vector<int64_t> read_counters(const std::string& library, const std::string& session);

}  // namespace minference::addon
