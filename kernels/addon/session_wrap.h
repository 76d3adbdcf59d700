// An inference session as JavaScript holds it.
#pragma once

#include <napi.h>

#include <memory>

#include "session_data.h"

namespace minference::addon {

class SessionWrap : public Napi::ObjectWrap<SessionWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  static Napi::Object wrap(Napi::Env env, std::shared_ptr<SessionData> data);

  explicit SessionWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value inputs(const Napi::CallbackInfo& info);  // [{ name, elementType, shape }]
  Napi::Value outputs(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info);            // see run_worker.h
  Napi::Value end_profiling(const Napi::CallbackInfo& info);  // () → path of the profile
  void dispose(const Napi::CallbackInfo& info);               // frees the session after the runs under way
  SessionData& alive() const;

  std::shared_ptr<SessionData> data_;
};

}  // namespace minference::addon
