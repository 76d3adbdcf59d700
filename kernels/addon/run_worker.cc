#include "run_worker.h"

#include "tensor_wrap.h"

namespace minference::addon {
namespace {

struct Binding {
  std::string name;
  std::shared_ptr<TensorData> tensor;  // null: to be allocated
};

class RunWorker : public Napi::AsyncWorker {
 public:
  RunWorker(Napi::Env env, std::shared_ptr<SessionData> session, std::vector<Binding> feeds,
            std::vector<Binding> fetches)
      : Napi::AsyncWorker(env),
        deferred_(Napi::Promise::Deferred::New(env)),
        session_(std::move(session)),
        feeds_(std::move(feeds)),
        fetches_(std::move(fetches)),
        run_options_(std::make_shared<Ort::RunOptions>()) {}

  Napi::Promise promise() const { return deferred_.Promise(); }
  std::shared_ptr<Ort::RunOptions> run_options() const { return run_options_; }

  void Execute() override {
    try {
      Ort::IoBinding binding(session_->session);
      for (const Binding& feed : feeds_) binding.BindInput(feed.name.c_str(), feed.tensor->value);
      auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
      for (const Binding& fetch : fetches_) {
        if (fetch.tensor) {
          binding.BindOutput(fetch.name.c_str(), fetch.tensor->value);
        } else {
          binding.BindOutput(fetch.name.c_str(), memory);
        }
      }
      session_->session.Run(*run_options_, binding);
      std::vector<Ort::Value> values = binding.GetOutputValues();
      for (size_t i = 0; i < fetches_.size(); ++i) {
        if (fetches_[i].tensor) continue;
        auto data = std::make_shared<TensorData>();
        data->value = std::move(values[i]);
        data->bytes = data->value.GetTensorSizeInBytes();
        fetches_[i].tensor = std::move(data);
      }
    } catch (const std::exception& error) {
      SetError(error.what());
    } catch (...) {
      SetError("unknown error during the run");
    }
  }

  void OnOK() override {
    auto results = Napi::Array::New(Env(), fetches_.size());
    for (uint32_t i = 0; i < fetches_.size(); ++i) results.Set(i, TensorWrap::wrap(Env(), fetches_[i].tensor));
    deferred_.Resolve(results);
  }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Napi::Promise::Deferred deferred_;
  std::shared_ptr<SessionData> session_;
  std::vector<Binding> feeds_;
  std::vector<Binding> fetches_;
  std::shared_ptr<Ort::RunOptions> run_options_;
};

std::vector<Binding> read_bindings(const Napi::Array& list) {
  std::vector<Binding> bindings;
  for (uint32_t i = 0; i < list.Length(); ++i) {
    auto pair = list.Get(i).As<Napi::Array>();
    Binding binding{pair.Get(0u).As<Napi::String>().Utf8Value(), nullptr};
    Napi::Value tensor = pair.Get(1u);
    if (tensor.IsObject()) {
      binding.tensor = Napi::ObjectWrap<TensorWrap>::Unwrap(tensor.As<Napi::Object>())->data();
      if (!binding.tensor) throw Napi::Error::New(list.Env(), "the tensor of " + binding.name + " has been disposed");
    }
    bindings.push_back(std::move(binding));
  }
  return bindings;
}

}  // namespace

Napi::Value start_run(const Napi::CallbackInfo& info, std::shared_ptr<SessionData> session) {
  Napi::Env env = info.Env();
  auto* worker = new RunWorker(env, std::move(session), read_bindings(info[0].As<Napi::Array>()),
                               read_bindings(info[1].As<Napi::Array>()));
  auto handle = Napi::Object::New(env);
  handle.Set("promise", worker->promise());
  handle.Set("terminate", Napi::Function::New(env, [options = worker->run_options()](const Napi::CallbackInfo&) {
               options->SetTerminate();
             }));
  worker->Queue();
  return handle;
}

}  // namespace minference::addon
