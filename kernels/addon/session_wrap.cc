#include "session_wrap.h"

#include <functional>
#include <stdexcept>

#include "run_worker.h"

namespace minference::addon {
namespace {

Napi::FunctionReference constructor;

Napi::Array describe(Napi::Env env, const std::vector<std::string>& names,
                     const std::function<Ort::TypeInfo(size_t)>& type_of) {
  auto list = Napi::Array::New(env, names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    auto entry = Napi::Object::New(env);
    entry.Set("name", names[i]);
    Ort::TypeInfo type = type_of(i);
    auto tensor = type.GetTensorTypeAndShapeInfo();
    if (type.GetONNXType() != ONNX_TYPE_TENSOR) throw std::runtime_error(names[i] + " is not a tensor");
    entry.Set("elementType", Napi::Number::New(env, tensor.GetElementType()));
    std::vector<int64_t> dims = tensor.GetShape();
    std::vector<const char*> symbols(dims.size());
    tensor.GetSymbolicDimensions(symbols.data(), symbols.size());
    auto shape = Napi::Array::New(env, dims.size());
    for (uint32_t d = 0; d < dims.size(); ++d) {
      if (dims[d] >= 0) {
        shape.Set(d, Napi::Number::New(env, static_cast<double>(dims[d])));
      } else {
        shape.Set(d, Napi::String::New(env, symbols[d] == nullptr ? "" : symbols[d]));
      }
    }
    entry.Set("shape", shape);
    list.Set(static_cast<uint32_t>(i), entry);
  }
  return list;
}

class CreateWorker : public Napi::AsyncWorker {
 public:
  CreateWorker(Napi::Env env, const Napi::Object& options)
      : Napi::AsyncWorker(env), deferred_(Napi::Promise::Deferred::New(env)) {
    model_ = options.Get("model").As<Napi::Uint8Array>();
    model_reference_ = Napi::Persistent(options.Get("model").As<Napi::Object>());
    bytes_ = model_.Data();
    size_ = model_.ByteLength();
    auto text = [&](const char* key) {
      Napi::Value value = options.Get(key);
      return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
    };
    external_folder_ = text("externalDataFolder");
    ops_library_ = text("opsLibrary");
    profile_prefix_ = text("profilePrefix");
    threads_ = options.Get("threads").As<Napi::Number>().Int32Value();
    optimization_ = options.Get("optimization").As<Napi::Number>().Int32Value();
  }

  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override {
    try {
      Ort::SessionOptions options;
      options.SetIntraOpNumThreads(threads_);
      options.SetInterOpNumThreads(1);
      options.SetGraphOptimizationLevel(static_cast<GraphOptimizationLevel>(optimization_));
      if (!external_folder_.empty()) {
        options.AddConfigEntry("session.model_external_initializers_file_folder_path", external_folder_.c_str());
      }
      if (!profile_prefix_.empty()) options.EnableProfiling(profile_prefix_.c_str());
      if (!ops_library_.empty()) options.RegisterCustomOpsLibrary(ops_library_.c_str());
      auto data = std::make_shared<SessionData>();
      data->session = Ort::Session(ort_env(), bytes_, size_, options);
      data->input_names = data->session.GetInputNames();
      data->output_names = data->session.GetOutputNames();
      data_ = std::move(data);
    } catch (const std::exception& error) {
      SetError(error.what());
    } catch (...) {
      SetError("unknown error while creating the session");
    }
  }

  void OnOK() override { deferred_.Resolve(SessionWrap::wrap(Env(), data_)); }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Napi::Promise::Deferred deferred_;
  Napi::Uint8Array model_;
  Napi::ObjectReference model_reference_;
  const uint8_t* bytes_;
  size_t size_;
  std::string external_folder_, ops_library_, profile_prefix_;
  int threads_ = 0, optimization_ = 99;
  std::shared_ptr<SessionData> data_;
};

}  // namespace

Napi::Value create_session(const Napi::CallbackInfo& info) {
  auto* worker = new CreateWorker(info.Env(), info[0].As<Napi::Object>());
  Napi::Promise promise = worker->promise();
  worker->Queue();
  return promise;
}

Napi::Function SessionWrap::define(Napi::Env env) {
  Napi::Function function = DefineClass(env, "Session",
                                        {
                                            InstanceAccessor<&SessionWrap::inputs>("inputs"),
                                            InstanceAccessor<&SessionWrap::outputs>("outputs"),
                                            InstanceMethod<&SessionWrap::run>("run"),
                                            InstanceMethod<&SessionWrap::end_profiling>("endProfiling"),
                                            InstanceMethod<&SessionWrap::dispose>("dispose"),
                                        });
  constructor = Napi::Persistent(function);
  constructor.SuppressDestruct();
  return function;
}

Napi::Object SessionWrap::wrap(Napi::Env env, std::shared_ptr<SessionData> data) {
  return constructor.New({Napi::External<std::shared_ptr<SessionData>>::New(env, &data)});
}

SessionWrap::SessionWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<SessionWrap>(info) {
  if (!info[0].IsExternal()) throw Napi::TypeError::New(info.Env(), "sessions are made by createSession");
  data_ = *info[0].As<Napi::External<std::shared_ptr<SessionData>>>().Data();
}

SessionData& SessionWrap::alive() const {
  if (!data_) throw Napi::Error::New(Env(), "the session has been disposed");
  return *data_;
}

Napi::Value SessionWrap::inputs(const Napi::CallbackInfo& info) {
  SessionData& data = alive();
  return describe(info.Env(), data.input_names, [&](size_t i) { return data.session.GetInputTypeInfo(i); });
}

Napi::Value SessionWrap::outputs(const Napi::CallbackInfo& info) {
  SessionData& data = alive();
  return describe(info.Env(), data.output_names, [&](size_t i) { return data.session.GetOutputTypeInfo(i); });
}

Napi::Value SessionWrap::run(const Napi::CallbackInfo& info) {
  alive();
  return start_run(info, data_);
}

Napi::Value SessionWrap::end_profiling(const Napi::CallbackInfo& info) {
  Ort::AllocatorWithDefaultOptions allocator;
  return Napi::String::New(info.Env(), alive().session.EndProfilingAllocated(allocator).get());
}

void SessionWrap::dispose(const Napi::CallbackInfo&) { data_.reset(); }

}  // namespace minference::addon
