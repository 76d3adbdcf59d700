// A tensor as JavaScript holds it. The memory is ONNX Runtime's or a buffer of our own; both are freed by dispose() or
// by the garbage collector.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "ort.h"

namespace minference::addon {

// Shared by the JavaScript object and the runs that use it, so that dispose() during a run is safe.
struct TensorData {
  Ort::Value value{nullptr};
  std::unique_ptr<std::byte[]> buffer;  // backing memory when it is ours
  size_t bytes = 0;
};

class TensorWrap : public Napi::ObjectWrap<TensorWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  static Napi::Object wrap(Napi::Env env, std::shared_ptr<TensorData> data);
  static std::shared_ptr<TensorData> allocate(int32_t element_type, const std::vector<int64_t>& shape);

  // (elementType, shape)
  explicit TensorWrap(const Napi::CallbackInfo& info);
  ~TensorWrap() override;

  std::shared_ptr<TensorData> data() const { return data_; }

 private:
  Napi::Value element_type(const Napi::CallbackInfo& info);
  Napi::Value shape(const Napi::CallbackInfo& info);
  Napi::Value bytes(const Napi::CallbackInfo& info);
  Napi::Value view(const Napi::CallbackInfo& info);  // () → ArrayBuffer over the elements
  void dispose(const Napi::CallbackInfo& info);
  void release();
  TensorData& alive() const;

  std::shared_ptr<TensorData> data_;
  int64_t accounted_ = 0;
};

}  // namespace minference::addon
