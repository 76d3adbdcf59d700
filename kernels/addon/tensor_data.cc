#include "tensor_data.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>

#include "cuda_device.h"

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

struct Memory {
  std::shared_ptr<void> keeper;
  void* data;
};

Memory allocate_host(size_t bytes) {
  size_t whole;  // lines, one at least
  if (__builtin_add_overflow(bytes, kAlignment, &whole)) throw std::bad_alloc();
  void* memory = std::aligned_alloc(kAlignment, whole / kAlignment * kAlignment);
  if (memory == nullptr) throw std::bad_alloc();
  return {{memory, std::free}, memory};
}

Memory allocate_cuda(size_t bytes, int device) {
  std::shared_ptr<void> memory = cuda_allocate(bytes, device);
  return {memory, memory.get()};
}

}  // namespace

std::shared_ptr<TensorData> allocate_tensor(int32_t element_type, const std::vector<int64_t>& shape, Place place) {
  size_t bytes = element_size(element_type);
  for (int64_t dim : shape) {
    if (dim < 0 || __builtin_mul_overflow(bytes, static_cast<size_t>(dim), &bytes)) {
      throw std::invalid_argument("expected a shape of non-negative dimensions that fits in memory");
    }
  }
  auto data = std::make_shared<TensorData>();
  const Memory memory = place.on_host() ? allocate_host(bytes) : allocate_cuda(bytes, place.device);
  data->keeper = memory.keeper;
  data->bytes = bytes;
  data->place = place;
  data->value = Ort::Value::CreateTensor(memory_of(place), memory.data, bytes, shape.data(), shape.size(),
                                         static_cast<ONNXTensorElementDataType>(element_type));
  return data;
}

std::shared_ptr<TensorData> adopt_tensor(Ort::Value value, std::shared_ptr<void> keeper) {
  if (!value || !value.IsTensor()) throw std::invalid_argument("expected a tensor");
  const Ort::TensorTypeAndShapeInfo info = value.GetTensorTypeAndShapeInfo();
  auto data = std::make_shared<TensorData>();
  data->bytes = info.GetElementCount() * element_size(info.GetElementType());
  const auto memory = value.GetTensorMemoryInfo();
  // Pinned memory has the GPU's name, but the host reaches it.
  const bool on_gpu =
      memory.GetDeviceType() == OrtMemoryInfoDeviceType_GPU && memory.GetMemoryType() == OrtMemTypeDefault;
  if (on_gpu) data->place = {memory.GetDeviceId()};
  data->keeper = std::move(keeper);
  data->value = std::move(value);
  return data;
}

void read_tensor(const TensorData& tensor, size_t offset, void* to, size_t bytes) {
  if (bytes == 0) return;
  const void* from = static_cast<const std::byte*>(tensor.value.GetTensorRawData()) + offset;
  if (!tensor.place.on_host()) return cuda_copy(to, from, bytes, tensor.place.device);
  std::memmove(to, from, bytes);
}

void write_tensor(TensorData& tensor, size_t offset, const void* from, size_t bytes) {
  if (bytes == 0) return;
  void* to = static_cast<std::byte*>(tensor.value.GetTensorMutableRawData()) + offset;
  if (!tensor.place.on_host()) return cuda_copy(to, from, bytes, tensor.place.device);
  std::memmove(to, from, bytes);
}

}  // namespace minference::addon
