// What the addon keeps for one JavaScript environment (the main thread, or a worker thread that loaded it too).
#pragma once

#include <napi.h>

namespace minference::addon {

struct AddonData {
  Napi::FunctionReference tensor;   // class Tensor
  Napi::FunctionReference session;  // class Session

  static AddonData& of(Napi::Env env) { return *env.GetInstanceData<AddonData>(); }
};

}  // namespace minference::addon
