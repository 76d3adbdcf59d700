#include "create_worker.h"

#include <memory>

#include "failure.h"
#include "session_wrap.h"

namespace minference::addon {
namespace {

std::string text(const Napi::Object& options, const char* key) {
  const Napi::Value value = options.Get(key);
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
}

std::vector<std::pair<std::string, std::string>> pairs(const Napi::Value& value) {
  std::vector<std::pair<std::string, std::string>> result;
  if (!value.IsObject()) return result;
  const auto object = value.As<Napi::Object>();
  const Napi::Array names = object.GetPropertyNames();
  for (uint32_t i = 0; i < names.Length(); ++i) {
    std::string name = names.Get(i).As<Napi::String>().Utf8Value();
    std::string entry = text(object, name.c_str());
    result.emplace_back(std::move(name), std::move(entry));
  }
  return result;
}

SessionSettings read_settings(const Napi::Object& options) {
  const auto model = options.Get("model").As<Napi::Uint8Array>();
  return {
      .model = model.Data(),
      .model_bytes = model.ByteLength(),
      .external_folder = text(options, "externalDataFolder"),
      .ops_library = text(options, "opsLibrary"),
      .profile_prefix = text(options, "profilePrefix"),
      .device =
          text(options, "device") == "cuda" ? Place{options.Get("deviceId").As<Napi::Number>().Int32Value()} : Place{},
      .threads = options.Get("threads").As<Napi::Number>().Int32Value(),
      .optimization = options.Get("optimization").As<Napi::Number>().Int32Value(),
      .config = pairs(options.Get("config")),
  };
}

class CreateWorker : public Napi::AsyncWorker {
 public:
  CreateWorker(Napi::Env env, const Napi::Object& options, SessionSettings settings,
               std::shared_ptr<Ort::SessionOptions> ort_options)
      : Napi::AsyncWorker(env, "minference.createSession"),
        deferred_(Napi::Promise::Deferred::New(env)),
        model_(Napi::Persistent(options.Get("model").As<Napi::Object>())),
        settings_(std::move(settings)),
        ort_options_(std::move(ort_options)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override {
    try {
      data_ = open_session(settings_, *ort_options_);
    } catch (...) {
      failure_ = current_failure();
      SetError(failure_.text);
    }
  }

  void OnOK() override { deferred_.Resolve(SessionWrap::wrap(Env(), std::move(data_))); }
  void OnError(const Napi::Error&) override { deferred_.Reject(to_error(Env(), failure_).Value()); }

 private:
  Napi::Promise::Deferred deferred_;
  Napi::ObjectReference model_;  // keeps the bytes that settings_ points to
  SessionSettings settings_;
  std::shared_ptr<Ort::SessionOptions> ort_options_;
  std::shared_ptr<SessionData> data_;
  Failure failure_;
};

}  // namespace

Napi::Value create_session(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto options = info[0].As<Napi::Object>();
  return checked(env, [&]() -> Napi::Value {
    SessionSettings settings = read_settings(options);
    auto ort_options = std::make_shared<Ort::SessionOptions>(session_options(settings));
    auto* worker = new CreateWorker(env, options, std::move(settings), ort_options);
    auto handle = Napi::Object::New(env);
    handle.Set("promise", worker->promise());
    handle.Set("cancel", Napi::Function::New(env, [ort_options](const Napi::CallbackInfo& call) {
                 checked(call.Env(), [&] { ort_options->SetLoadCancellationFlag(true); });
               }));
    worker->Queue();
    return handle;
  });
}

}  // namespace minference::addon
