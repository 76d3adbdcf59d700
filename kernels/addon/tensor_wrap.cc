#include "tensor_wrap.h"

#include <vector>

#include "addon_data.h"
#include "failure.h"

namespace minference::addon {
namespace {

std::vector<int64_t> to_shape(const Napi::Array& dims) {
  std::vector<int64_t> shape(dims.Length());
  for (uint32_t i = 0; i < shape.size(); ++i) shape[i] = dims.Get(i).As<Napi::Number>().Int64Value();
  return shape;
}

}  // namespace

Napi::Function TensorWrap::define(Napi::Env env) {
  return DefineClass(env, "Tensor",
                     {
                         InstanceAccessor<&TensorWrap::element_type>("elementType"),
                         InstanceAccessor<&TensorWrap::shape>("shape"),
                         InstanceAccessor<&TensorWrap::bytes>("byteLength"),
                         InstanceAccessor<&TensorWrap::location>("location"),
                         InstanceMethod<&TensorWrap::view>("view"),
                         InstanceMethod<&TensorWrap::read>("read"),
                         InstanceMethod<&TensorWrap::write>("write"),
                         InstanceMethod<&TensorWrap::dispose>("dispose"),
                     });
}

Napi::Object TensorWrap::wrap(Napi::Env env, std::shared_ptr<TensorData> data) {
  return AddonData::of(env).tensor.New({Napi::External<std::shared_ptr<TensorData>>::New(env, &data)});
}

std::shared_ptr<TensorData> TensorWrap::unwrap(const Napi::Value& value) {
  Napi::Env env = value.Env();
  if (!value.IsObject() || !value.As<Napi::Object>().InstanceOf(AddonData::of(env).tensor.Value())) {
    throw to_error(env, {"NATIVE", "expected a tensor"});
  }
  TensorWrap* tensor = Napi::ObjectWrap<TensorWrap>::Unwrap(value.As<Napi::Object>());
  tensor->alive();
  return tensor->data_;
}

TensorWrap::TensorWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<TensorWrap>(info) {
  checked(info.Env(), [&] {
    if (info[0].IsExternal()) {
      data_ = *info[0].As<Napi::External<std::shared_ptr<TensorData>>>().Data();
    } else {
      const bool on_cuda = info[2].IsString() && info[2].As<Napi::String>().Utf8Value() == "cuda";
      const Place place = on_cuda ? Place{info[3].As<Napi::Number>().Int32Value()} : Place{};
      data_ = allocate_tensor(info[0].As<Napi::Number>().Int32Value(), to_shape(info[1].As<Napi::Array>()), place);
    }
  });
  // Lets the garbage collector know how much memory this small object keeps; a device's is counted as well, for nobody
  // else would have it freed.
  accounted_ = static_cast<int64_t>(data_->bytes);
  Napi::MemoryManagement::AdjustExternalMemory(info.Env(), accounted_);
}

// Collected: a view that is still in use goes on holding the memory.
TensorWrap::~TensorWrap() { release(); }

void TensorWrap::release() {
  data_.reset();
  if (accounted_ != 0) Napi::MemoryManagement::AdjustExternalMemory(Env(), -accounted_);
  accounted_ = 0;
}

TensorData& TensorWrap::alive() const {
  if (!data_) throw to_error(Env(), {"NATIVE", "the tensor has been disposed"});
  return *data_;
}

Napi::Value TensorWrap::element_type(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), alive().value.GetTensorTypeAndShapeInfo().GetElementType());
}

Napi::Value TensorWrap::shape(const Napi::CallbackInfo& info) {
  const std::vector<int64_t> dims = alive().value.GetTensorTypeAndShapeInfo().GetShape();
  auto array = Napi::Array::New(info.Env(), dims.size());
  for (uint32_t i = 0; i < dims.size(); ++i) array.Set(i, Napi::Number::New(info.Env(), static_cast<double>(dims[i])));
  return array;
}

Napi::Value TensorWrap::bytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(alive().bytes));
}

Napi::Value TensorWrap::location(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), alive().place.on_host() ? "host" : "cuda");
}

Napi::Value TensorWrap::view(const Napi::CallbackInfo& info) {
  TensorData& data = alive();
  if (!data.place.on_host()) {
    throw to_error(info.Env(), {"NATIVE", "the tensor is in a device's memory: copy it to the host"});
  }
  if (!view_.IsEmpty()) {
    Napi::ArrayBuffer cached = view_.Value();
    if (!cached.IsEmpty()) return cached;
  }
  if (data.bytes == 0) return Napi::ArrayBuffer::New(info.Env(), 0);
  hold_ = std::make_shared<Hold>(Hold{data_});
  auto buffer = Napi::ArrayBuffer::New(
      info.Env(), data.value.GetTensorMutableRawData(), data.bytes,
      [](Napi::Env, void*, std::shared_ptr<Hold>* hold) { delete hold; }, new std::shared_ptr<Hold>(hold_));
  view_ = Napi::Reference<Napi::ArrayBuffer>::New(buffer, 0);
  return buffer;
}

Napi::Value TensorWrap::read(const Napi::CallbackInfo& info) {
  TensorData& data = alive();
  auto copy = Napi::ArrayBuffer::New(info.Env(), data.bytes);
  checked(info.Env(), [&] { read_tensor(data, 0, copy.Data(), data.bytes); });
  return copy;
}

void TensorWrap::write(const Napi::CallbackInfo& info) {
  TensorData& data = alive();
  const auto source = info[0].As<Napi::TypedArray>();
  const int64_t offset = info[1].As<Napi::Number>().Int64Value();
  const size_t bytes = source.ByteLength();
  if (offset < 0 || bytes > data.bytes || static_cast<size_t>(offset) > data.bytes - bytes) {
    throw to_error(info.Env(), {"NATIVE", "expected elements that fit into the tensor"});
  }
  if (bytes == 0) return;
  const auto* from = static_cast<const std::byte*>(source.ArrayBuffer().Data()) + source.ByteOffset();
  checked(info.Env(), [&] { write_tensor(data, static_cast<size_t>(offset), from, bytes); });
}

// The memory goes at once unless a run uses it, so the view must not reach it any longer.
void TensorWrap::dispose(const Napi::CallbackInfo&) {
  if (!view_.IsEmpty()) {
    Napi::ArrayBuffer buffer = view_.Value();
    if (!buffer.IsEmpty() && !buffer.IsDetached()) buffer.Detach();
    view_.Reset();
  }
  if (hold_) hold_->data.reset();
  hold_.reset();
  release();
}

}  // namespace minference::addon
