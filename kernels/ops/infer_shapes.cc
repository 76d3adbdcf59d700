#include "infer_shapes.h"

#include <algorithm>
#include <vector>

#include "input_slots.h"

namespace minference::ops {
namespace {

struct SymbolicShape {
  ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;  // undefined: the input is left out
  std::vector<int64_t> dims;
  std::vector<const char*> symbols;  // "" for numbers; owned by the context

  // Unknown shapes look like those of scalars.
  bool is_known() const {
    for (size_t i = 0; i < dims.size(); ++i) {
      if (dims[i] < 0 && *symbols[i] == '\0') return false;
    }
    return !dims.empty();
  }
};

SymbolicShape read_input(OrtShapeInferContext* context, InputIndex index) {
  const OrtApi& api = Ort::GetApi();
  OrtTensorTypeAndShapeInfo* info = nullptr;
  Ort::ThrowOnError(api.ShapeInferContext_GetInputTypeShape(context, index, &info));
  SymbolicShape shape;
  size_t rank = 0;
  Ort::ThrowOnError(api.GetTensorElementType(info, &shape.type));
  Ort::ThrowOnError(api.GetDimensionsCount(info, &rank));
  shape.dims.resize(rank);
  shape.symbols.resize(rank);
  Ort::ThrowOnError(api.GetDimensions(info, shape.dims.data(), rank));
  Ort::ThrowOnError(api.GetSymbolicDimensions(info, shape.symbols.data(), rank));
  std::replace(shape.symbols.begin(), shape.symbols.end(), static_cast<const char*>(nullptr),
               static_cast<const char*>(""));
  return shape;
}

void set_output(OrtShapeInferContext* context, OutputIndex index, const SymbolicShape& shape) {
  const OrtApi& api = Ort::GetApi();
  OrtTensorTypeAndShapeInfo* raw = nullptr;
  Ort::ThrowOnError(api.CreateTensorTypeAndShapeInfo(&raw));
  const Ort::TensorTypeAndShapeInfo info(raw);
  Ort::ThrowOnError(api.SetTensorElementType(raw, shape.type));
  Ort::ThrowOnError(api.SetDimensions(raw, shape.dims.data(), shape.dims.size()));
  std::vector<const char*> symbols = shape.symbols;
  Ort::ThrowOnError(api.SetSymbolicDimensions(raw, symbols.data(), symbols.size()));
  Ort::ThrowOnError(api.ShapeInferContext_SetOutputTypeShape(context, index, raw));
}

int64_t int_attribute(OrtShapeInferContext* context, const char* name) {
  const OrtApi& api = Ort::GetApi();
  const OrtOpAttr* attribute = nullptr;
  Ort::ThrowOnError(api.ShapeInferContext_GetAttribute(context, name, &attribute));
  int64_t value = 0;
  size_t bytes = 0;
  Ort::ThrowOnError(api.ReadOpAttr(attribute, ORT_OP_ATTR_INT, &value, sizeof(value), &bytes));
  return value;
}

}  // namespace

void infer_attention_output(OrtShapeInferContext* context) {
  SymbolicShape output = read_input(context, kQuery);
  if (output.dims.size() != 3 || !output.is_known()) return;
  const bool packed = read_input(context, kKey).type == ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  if (packed) {
    const int64_t h_q = int_attribute(context, "num_heads");
    const int64_t heads = h_q + 2 * int_attribute(context, "kv_num_heads");
    if (output.dims[2] < 0 || heads <= 0) return;
    output.dims[2] = output.dims[2] / heads * h_q;
  }
  set_output(context, kOutput, output);
}

}  // namespace minference::ops
