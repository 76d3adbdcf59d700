// One run of a session on another thread.
#pragma once

#include "session_wrap.h"

namespace minference::addon {

// session.run(feeds: [name, Tensor][], fetches: [name, Tensor | null][]) → { promise: Promise<Tensor[]>, terminate() }
// A fetch with a tensor is written into it; null lets ONNX Runtime allocate.
Napi::Value start_run(const Napi::CallbackInfo& info, std::shared_ptr<SessionData> session);

}  // namespace minference::addon
