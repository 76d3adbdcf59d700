// A tensor as JavaScript holds it; freed by dispose() or by the garbage collector.
#pragma once

#include <napi.h>

#include <memory>

#include "tensor_data.h"

namespace minference::addon {

class TensorWrap : public Napi::ObjectWrap<TensorWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  static Napi::Object wrap(Napi::Env env, std::shared_ptr<TensorData> data);
  // The memory behind a Tensor; throws a Napi::Error for other values and disposed tensors.
  static std::shared_ptr<TensorData> unwrap(const Napi::Value& value);

  // (elementType, shape, 'host' | 'cuda', number of the CUDA device)
  explicit TensorWrap(const Napi::CallbackInfo& info);
  ~TensorWrap() override;

 private:
  // What the ArrayBuffer made by view() holds on to, until dispose() takes it away.
  struct Hold {
    std::shared_ptr<TensorData> data;
  };

  Napi::Value element_type(const Napi::CallbackInfo& info);
  Napi::Value shape(const Napi::CallbackInfo& info);
  Napi::Value bytes(const Napi::CallbackInfo& info);
  Napi::Value location(const Napi::CallbackInfo& info);  // 'host' or 'cuda'
  Napi::Value view(const Napi::CallbackInfo& info);      // () → ArrayBuffer over the elements; the same one each time
  Napi::Value read(const Napi::CallbackInfo& info);      // () → ArrayBuffer with a copy
  void write(const Napi::CallbackInfo& info);            // (ArrayBufferView, byteOffset)
  void dispose(const Napi::CallbackInfo& info);          // detaches the view
  void release();
  TensorData& alive() const;

  std::shared_ptr<TensorData> data_;
  std::shared_ptr<Hold> hold_;
  Napi::Reference<Napi::ArrayBuffer> view_;  // weak
  int64_t accounted_ = 0;
};

}  // namespace minference::addon
