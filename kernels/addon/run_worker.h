// One run of a session on another thread.
#pragma once

#include <napi.h>

#include <memory>

#include "session_data.h"

namespace minference::addon {

// session.run(feeds: [name, Tensor][], fetches: [name, Tensor | 'host' | 'device'][])
//   → { promise: Promise<Tensor[]>, terminate() }
// A fetch with a tensor is written into it; else ONNX Runtime allocates, on the host or on the session's device.
// terminate() ends the run before its next node.
Napi::Value start_run(const Napi::CallbackInfo& info, std::shared_ptr<SessionData> session);

}  // namespace minference::addon
