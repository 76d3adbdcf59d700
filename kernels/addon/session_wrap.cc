#include "session_wrap.h"

#include "addon_data.h"
#include "failure.h"
#include "run_worker.h"

namespace minference::addon {
namespace {

Napi::Value to_js(Napi::Env env, const std::vector<ValueInfo>& values) {
  auto list = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); ++i) {
    const ValueInfo& value = values[i];
    auto shape = Napi::Array::New(env, value.dims.size());
    for (uint32_t d = 0; d < value.dims.size(); ++d) {
      if (value.dims[d] >= 0) {
        shape.Set(d, Napi::Number::New(env, static_cast<double>(value.dims[d])));
      } else {
        shape.Set(d, Napi::String::New(env, value.symbols[d]));
      }
    }
    auto entry = Napi::Object::New(env);
    entry.Set("name", value.name);
    entry.Set("elementType", Napi::Number::New(env, value.element_type));
    entry.Set("shape", shape);
    list.Set(i, entry);
  }
  return list;
}

}  // namespace

Napi::Function SessionWrap::define(Napi::Env env) {
  return DefineClass(env, "Session",
                     {
                         InstanceAccessor<&SessionWrap::inputs>("inputs"),
                         InstanceAccessor<&SessionWrap::outputs>("outputs"),
                         InstanceMethod<&SessionWrap::run>("run"),
                         InstanceMethod<&SessionWrap::end_profiling>("endProfiling"),
                         InstanceMethod<&SessionWrap::dispose>("dispose"),
                     });
}

Napi::Object SessionWrap::wrap(Napi::Env env, std::shared_ptr<SessionData> data) {
  return AddonData::of(env).session.New({Napi::External<std::shared_ptr<SessionData>>::New(env, &data)});
}

SessionWrap::SessionWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<SessionWrap>(info) {
  if (!info[0].IsExternal()) throw Napi::TypeError::New(info.Env(), "sessions are made by createSession");
  data_ = *info[0].As<Napi::External<std::shared_ptr<SessionData>>>().Data();
}

SessionData& SessionWrap::alive() const {
  if (!data_) throw to_error(Env(), {"NATIVE", "the session has been disposed"});
  return *data_;
}

Napi::Value SessionWrap::inputs(const Napi::CallbackInfo& info) { return to_js(info.Env(), alive().inputs); }

Napi::Value SessionWrap::outputs(const Napi::CallbackInfo& info) { return to_js(info.Env(), alive().outputs); }

Napi::Value SessionWrap::run(const Napi::CallbackInfo& info) {
  alive();
  return start_run(info, data_);
}

Napi::Value SessionWrap::end_profiling(const Napi::CallbackInfo& info) {
  return checked(info.Env(), [&] {
    Ort::AllocatorWithDefaultOptions allocator;
    return Napi::String::New(info.Env(), alive().session.EndProfilingAllocated(allocator).get());
  });
}

void SessionWrap::dispose(const Napi::CallbackInfo&) { data_.reset(); }

}  // namespace minference::addon
