// An inference session as JavaScript holds it.
#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "ort.h"

namespace minference::addon {

struct SessionData {
  Ort::Session session{nullptr};
  std::vector<std::string> input_names;
  std::vector<std::string> output_names;
};

class SessionWrap : public Napi::ObjectWrap<SessionWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  static Napi::Object wrap(Napi::Env env, std::shared_ptr<SessionData> data);

  explicit SessionWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value inputs(const Napi::CallbackInfo& info);   // [{ name, elementType, shape }]
  Napi::Value outputs(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info);      // see run_worker.h
  Napi::Value end_profiling(const Napi::CallbackInfo& info);
  void dispose(const Napi::CallbackInfo& info);
  SessionData& alive() const;

  std::shared_ptr<SessionData> data_;
};

// createSession({ model: Uint8Array, externalDataFolder?, opsLibrary?, threads, optimization: 0 | 1 | 2 | 99,
// profilePrefix? }) → Promise<Session>; works on another thread.
Napi::Value create_session(const Napi::CallbackInfo& info);

}  // namespace minference::addon
