#include "tensor_wrap.h"

#include <cstring>
#include <stdexcept>

namespace minference::addon {
namespace {

Napi::FunctionReference constructor;

size_t element_size(int32_t type) {
  switch (type) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32:
      return 4;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16:
      return 2;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE:
      return 8;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL:
      return 1;
    default:
      throw std::invalid_argument("unsupported tensor element type " + std::to_string(type));
  }
}

}  // namespace

std::shared_ptr<TensorData> TensorWrap::allocate(int32_t type, const std::vector<int64_t>& shape) {
  size_t bytes = element_size(type);
  for (int64_t dim : shape) {
    if (dim < 0 || __builtin_mul_overflow(bytes, static_cast<size_t>(dim), &bytes)) {
      throw std::invalid_argument("tensor shape is negative or too large");
    }
  }
  auto data = std::make_shared<TensorData>();
  constexpr size_t kAlignment = 64;
  data->buffer.reset(new std::byte[bytes + kAlignment]);
  auto address = reinterpret_cast<uintptr_t>(data->buffer.get());
  void* aligned = reinterpret_cast<void*>((address + kAlignment - 1) / kAlignment * kAlignment);
  data->bytes = bytes;
  auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  data->value = Ort::Value::CreateTensor(memory, aligned, bytes, shape.data(), shape.size(),
                                         static_cast<ONNXTensorElementDataType>(type));
  return data;
}

Napi::Function TensorWrap::define(Napi::Env env) {
  Napi::Function function = DefineClass(env, "Tensor",
                                        {
                                            InstanceAccessor<&TensorWrap::element_type>("elementType"),
                                            InstanceAccessor<&TensorWrap::shape>("shape"),
                                            InstanceAccessor<&TensorWrap::bytes>("byteLength"),
                                            InstanceMethod<&TensorWrap::view>("view"),
                                            InstanceMethod<&TensorWrap::dispose>("dispose"),
                                        });
  constructor = Napi::Persistent(function);
  constructor.SuppressDestruct();
  return function;
}

Napi::Object TensorWrap::wrap(Napi::Env env, std::shared_ptr<TensorData> data) {
  return constructor.New({Napi::External<std::shared_ptr<TensorData>>::New(env, &data)});
}

TensorWrap::TensorWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<TensorWrap>(info) {
  try {
    if (info[0].IsExternal()) {
      data_ = *info[0].As<Napi::External<std::shared_ptr<TensorData>>>().Data();
    } else {
      std::vector<int64_t> shape;
      auto dims = info[1].As<Napi::Array>();
      for (uint32_t i = 0; i < dims.Length(); ++i) shape.push_back(dims.Get(i).As<Napi::Number>().Int64Value());
      data_ = allocate(info[0].As<Napi::Number>().Int32Value(), shape);
    }
    // Lets the garbage collector know how much memory this small object keeps.
    accounted_ = static_cast<int64_t>(data_->bytes);
    Napi::MemoryManagement::AdjustExternalMemory(info.Env(), accounted_);
  } catch (const std::exception& error) {
    throw Napi::Error::New(info.Env(), error.what());
  }
}

TensorWrap::~TensorWrap() { release(); }

void TensorWrap::release() {
  data_.reset();
  if (accounted_ != 0) Napi::MemoryManagement::AdjustExternalMemory(Env(), -accounted_);
  accounted_ = 0;
}

TensorData& TensorWrap::alive() const {
  if (!data_) throw Napi::Error::New(Env(), "the tensor has been disposed");
  return *data_;
}

Napi::Value TensorWrap::element_type(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), alive().value.GetTensorTypeAndShapeInfo().GetElementType());
}

Napi::Value TensorWrap::shape(const Napi::CallbackInfo& info) {
  std::vector<int64_t> dims = alive().value.GetTensorTypeAndShapeInfo().GetShape();
  auto array = Napi::Array::New(info.Env(), dims.size());
  for (uint32_t i = 0; i < dims.size(); ++i) array.Set(i, Napi::Number::New(info.Env(), static_cast<double>(dims[i])));
  return array;
}

Napi::Value TensorWrap::bytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(alive().bytes));
}

// A view of the elements: it keeps the memory alive even after dispose().
Napi::Value TensorWrap::view(const Napi::CallbackInfo& info) {
  TensorData& data = alive();
  if (data.bytes == 0) return Napi::ArrayBuffer::New(info.Env(), 0);
  auto* keep = new std::shared_ptr<TensorData>(data_);
  return Napi::ArrayBuffer::New(
      info.Env(), data.value.GetTensorMutableRawData(), data.bytes,
      [](Napi::Env, void*, std::shared_ptr<TensorData>* held) { delete held; }, keep);
}

void TensorWrap::dispose(const Napi::CallbackInfo&) { release(); }

}  // namespace minference::addon
