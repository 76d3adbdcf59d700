#include "checked_input.h"

#include <stdexcept>

namespace minference::ops {

std::string to_text(const Shape& shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i) out += (i ? ", " : "") + std::to_string(shape[i]);
  return out + "]";
}

Shape shape_of(const Ort::ConstValue& value) { return value.GetTensorTypeAndShapeInfo().GetShape(); }

size_t element_count(const Ort::ConstValue& value) { return value.GetTensorTypeAndShapeInfo().GetElementCount(); }

size_t element_bytes(DataType dtype) { return dtype == DataType::kFloat32 ? 4 : 2; }

Ort::ConstValue optional_input(const Ort::KernelContext& context, InputIndex index) {
  return index < context.GetInputCount() ? context.GetInput(index) : Ort::ConstValue{nullptr};
}

Ort::ConstValue required_input(const Ort::KernelContext& context, InputIndex index, const char* name) {
  const auto value = optional_input(context, index);
  expect(static_cast<bool>(value), std::string("expected input ") + name + ", found none");
  return value;
}

void expect_shape(const char* name, const Ort::ConstValue& value, const Shape& expected) {
  const Shape found = shape_of(value);
  if (found == expected) return;
  throw std::invalid_argument(std::string("expected ") + name + " of shape " + to_text(expected) + ", found " +
                              to_text(found));
}

void expect(bool holds, const std::string& message) {
  if (!holds) throw std::invalid_argument(message);
}

}  // namespace minference::ops
