// Creation of a session on another thread.
#pragma once

#include <napi.h>

namespace minference::addon {

// createSession({ model: Uint8Array, device: 'cpu' | 'cuda', threads, optimization: 0 | 1 | 2 | 99,
// externalDataFolder?, opsLibrary?, profilePrefix? }) → { promise: Promise<Session>, cancel() }. The model's bytes must
// not change before it is settled.
Napi::Value create_session(const Napi::CallbackInfo& info);

}  // namespace minference::addon
