#include "tensor_data.h"

#include <stdexcept>
#include <string>

namespace minference::addon {
namespace {

constexpr size_t kAlignment = 64;  // a cache line, and the widest vector register

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

std::shared_ptr<TensorData> allocate_tensor(int32_t element_type, const std::vector<int64_t>& shape) {
  size_t bytes = element_size(element_type);
  for (int64_t dim : shape) {
    if (dim < 0 || __builtin_mul_overflow(bytes, static_cast<size_t>(dim), &bytes)) {
      throw std::invalid_argument("expected a shape of non-negative dimensions that fits in memory");
    }
  }
  auto data = std::make_shared<TensorData>();
  data->buffer.reset(new std::byte[bytes + kAlignment]);
  const auto address = reinterpret_cast<uintptr_t>(data->buffer.get());
  void* aligned = reinterpret_cast<void*>((address + kAlignment - 1) / kAlignment * kAlignment);
  data->bytes = bytes;
  const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  data->value = Ort::Value::CreateTensor(memory, aligned, bytes, shape.data(), shape.size(),
                                         static_cast<ONNXTensorElementDataType>(element_type));
  return data;
}

std::shared_ptr<TensorData> adopt_tensor(Ort::Value value) {
  if (!value || !value.IsTensor()) throw std::invalid_argument("expected a tensor");
  const Ort::TensorTypeAndShapeInfo info = value.GetTensorTypeAndShapeInfo();
  auto data = std::make_shared<TensorData>();
  data->bytes = info.GetElementCount() * element_size(info.GetElementType());
  data->value = std::move(value);
  return data;
}

}  // namespace minference::addon
