// The part that the attention ops share as ONNX Runtime custom ops: names, input and output kinds, error translation.
#pragma once

#include <exception>
#include <iterator>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

#include "minference/params.h"
#include "ort.h"

namespace minference::ops {

// Element type of an input or output; kData is the type the op is instantiated for.
enum class Slot { kData, kInt32, kInt64, kFloat32, kFloat64 };

struct SlotInfo {
  Slot type;
  bool optional = false;
  bool host = false;  // lives in CPU memory on every execution provider
};

inline ONNXTensorElementDataType element_type(Slot slot, DataType dtype) {
  switch (slot) {
    case Slot::kInt32:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32;
    case Slot::kInt64:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64;
    case Slot::kFloat32:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
    case Slot::kFloat64:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE;
    case Slot::kData:
      break;
  }
  switch (dtype) {
    case DataType::kFloat16:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16;
    case DataType::kBFloat16:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16;
    case DataType::kFloat32:
      break;
  }
  return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
}

// Runs `body` and turns exceptions into a status that carries the node's op type.
template <typename Body>
OrtStatusPtr as_status(const char* op, Body&& body) {
  const auto failure = [op](OrtErrorCode code, const char* text) {
    return Ort::GetApi().CreateStatus(code, (std::string(op) + ": " + text).c_str());
  };
  try {
    body();
    return nullptr;
  } catch (const Ort::Exception& error) {
    return failure(error.GetOrtErrorCode(), error.what());
  } catch (const std::invalid_argument& error) {
    return failure(ORT_INVALID_ARGUMENT, error.what());
  } catch (const std::bad_alloc&) {
    return failure(ORT_FAIL, "out of memory");
  } catch (const std::exception& error) {
    return failure(ORT_FAIL, error.what());
  } catch (...) {
    return failure(ORT_FAIL, "unknown error");
  }
}

constexpr const char* kCpuProvider = "CPUExecutionProvider";
constexpr const char* kCudaProvider = "CUDAExecutionProvider";

// Spec: static constexpr name, inputs, outputs and, where shapes can be told beforehand, infer_shapes(context);
// Kernel: (info, dtype), ComputeV2(context), execution_provider.
template <typename Spec, typename Kernel>
class CustomOp : public Ort::CustomOpBase<CustomOp<Spec, Kernel>, Kernel, true> {
 public:
  explicit CustomOp(DataType dtype) : dtype_(dtype) {
    if constexpr (requires { &Spec::infer_shapes; }) {
      OrtCustomOp::InferOutputShapeFn = [](const OrtCustomOp*, OrtShapeInferContext* context) -> OrtStatusPtr {
        return as_status(Spec::name, [context] { Spec::infer_shapes(context); });
      };
    }
  }

  const char* GetName() const { return Spec::name; }
  const char* GetExecutionProviderType() const { return Kernel::execution_provider; }
  size_t GetInputTypeCount() const { return std::size(Spec::inputs); }
  size_t GetOutputTypeCount() const { return std::size(Spec::outputs); }
  ONNXTensorElementDataType GetInputType(size_t i) const { return element_type(Spec::inputs[i].type, dtype_); }
  ONNXTensorElementDataType GetOutputType(size_t i) const { return element_type(Spec::outputs[i].type, dtype_); }
  OrtCustomOpInputOutputCharacteristic GetInputCharacteristic(size_t i) const {
    return Spec::inputs[i].optional ? INPUT_OUTPUT_OPTIONAL : INPUT_OUTPUT_REQUIRED;
  }
  OrtCustomOpInputOutputCharacteristic GetOutputCharacteristic(size_t i) const {
    return Spec::outputs[i].optional ? INPUT_OUTPUT_OPTIONAL : INPUT_OUTPUT_REQUIRED;
  }
  OrtMemType GetInputMemoryType(size_t i) const {
    return Spec::inputs[i].host ? OrtMemTypeCPUInput : OrtMemTypeDefault;
  }

  OrtStatusPtr CreateKernelV2(const OrtApi&, const OrtKernelInfo* info, void** kernel) const {
    return as_status(Spec::name,
                     [&] { *kernel = std::make_unique<Kernel>(Ort::ConstKernelInfo(info), dtype_).release(); });
  }

 private:
  DataType dtype_;
};

// Inputs 0 - 11, as com.microsoft.GroupQueryAttention has them.
#define MINFERENCE_ATTENTION_INPUTS                                                                       \
  {Slot::kData}, {Slot::kData, true}, {Slot::kData, true}, {Slot::kData, true}, {Slot::kData, true},      \
      {Slot::kInt32, false, true}, {Slot::kInt32, false, true}, {Slot::kData, true}, {Slot::kData, true}, \
      {Slot::kInt64, true, true}, {Slot::kData, true}, {                                                  \
    Slot::kData, true                                                                                     \
  }

// Inputs 12 - 16: head_patterns and explicit indices.
#define MINFERENCE_PATTERN_INPUTS                                                                                    \
  {Slot::kInt32, false, true}, {Slot::kInt64, true, true}, {Slot::kInt32, true, true}, {Slot::kInt64, true, true}, { \
    Slot::kInt32, true, true                                                                                         \
  }

}  // namespace minference::ops
