#include "run_worker.h"

#include "failure.h"
#include "tensor_wrap.h"

namespace minference::addon {
namespace {

struct Binding {
  std::string name;
  std::shared_ptr<TensorData> tensor;  // null: a fetch to be allocated
  Place place;                         // where
};

// `device`: where the session keeps what shall stay on its device.
std::vector<Binding> read_bindings(const Napi::Array& list, Place device) {
  std::vector<Binding> bindings;
  for (uint32_t i = 0; i < list.Length(); ++i) {
    const auto pair = list.Get(i).As<Napi::Array>();
    const Napi::Value target = pair.Get(1u);
    std::string name = pair.Get(0u).As<Napi::String>().Utf8Value();
    if (target.IsString()) {
      const bool stays = target.As<Napi::String>().Utf8Value() == "device";
      bindings.push_back({std::move(name), nullptr, stays ? device : Place{}});
    } else {
      bindings.push_back({std::move(name), TensorWrap::unwrap(target)});
    }
  }
  return bindings;
}

class RunWorker : public Napi::AsyncWorker {
 public:
  RunWorker(Napi::Env env, std::shared_ptr<SessionData> session, std::vector<Binding> feeds,
            std::vector<Binding> fetches, std::shared_ptr<Ort::RunOptions> run_options)
      : Napi::AsyncWorker(env, "minference.run"),
        deferred_(Napi::Promise::Deferred::New(env)),
        session_(std::move(session)),
        feeds_(std::move(feeds)),
        fetches_(std::move(fetches)),
        run_options_(std::move(run_options)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override {
    try {
      run();
    } catch (...) {
      failure_ = current_failure();
      SetError(failure_.text);
    }
  }

  void OnOK() override {
    auto results = Napi::Array::New(Env(), fetches_.size());
    for (uint32_t i = 0; i < fetches_.size(); ++i) results.Set(i, allocated_[i] ? wrap(i) : Env().Null());
    deferred_.Resolve(results);
  }
  void OnError(const Napi::Error&) override { deferred_.Reject(to_error(Env(), failure_).Value()); }

 private:
  void run() {
    Ort::IoBinding binding(session_->session);
    for (const Binding& feed : feeds_) binding.BindInput(feed.name.c_str(), feed.tensor->value);
    for (const Binding& fetch : fetches_) {
      if (fetch.tensor) {
        binding.BindOutput(fetch.name.c_str(), fetch.tensor->value);
      } else {
        binding.BindOutput(fetch.name.c_str(), memory_of(fetch.place));
      }
    }
    // Of a session on the CPU, both do nothing.
    binding.SynchronizeInputs();
    session_->session.Run(*run_options_, binding);
    binding.SynchronizeOutputs();
    std::vector<Ort::Value> values = binding.GetOutputValues();
    allocated_.resize(fetches_.size());
    for (size_t i = 0; i < fetches_.size(); ++i) {
      if (!fetches_[i].tensor) allocated_[i] = adopt_tensor(std::move(values[i]), session_);
    }
  }

  Napi::Value wrap(uint32_t i) { return TensorWrap::wrap(Env(), std::move(allocated_[i])); }

  Napi::Promise::Deferred deferred_;
  std::shared_ptr<SessionData> session_;
  std::vector<Binding> feeds_;
  std::vector<Binding> fetches_;
  std::vector<std::shared_ptr<TensorData>> allocated_;  // by fetch; null where the caller gave the tensor
  std::shared_ptr<Ort::RunOptions> run_options_;
  Failure failure_;
};

}  // namespace

Napi::Value start_run(const Napi::CallbackInfo& info, std::shared_ptr<SessionData> session) {
  Napi::Env env = info.Env();
  return checked(env, [&]() -> Napi::Value {
    auto run_options = std::make_shared<Ort::RunOptions>();
    run_options->SetRunLogSeverityLevel(ORT_LOGGING_LEVEL_FATAL);
    std::vector<Binding> feeds = read_bindings(info[0].As<Napi::Array>(), session->device);
    std::vector<Binding> fetches = read_bindings(info[1].As<Napi::Array>(), session->device);
    auto* worker = new RunWorker(env, std::move(session), std::move(feeds), std::move(fetches), run_options);
    auto handle = Napi::Object::New(env);
    handle.Set("promise", worker->promise());
    handle.Set("terminate", Napi::Function::New(env, [run_options](const Napi::CallbackInfo& call) {
                 checked(call.Env(), [&] { run_options->SetTerminate(); });
               }));
    worker->Queue();
    return handle;
  });
}

}  // namespace minference::addon
