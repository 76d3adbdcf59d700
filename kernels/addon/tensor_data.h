// Memory of a tensor, shared by the JavaScript object, its view and the runs that use it.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "ort.h"

namespace minference::addon {

struct TensorData {
  Ort::Value value{nullptr};
  std::unique_ptr<std::byte[]> buffer;  // backing memory when it is ours, not ONNX Runtime's
  size_t bytes = 0;
};

// Uninitialised memory. Throws std::invalid_argument for element types and shapes that no tensor has.
std::shared_ptr<TensorData> allocate_tensor(int32_t element_type, const std::vector<int64_t>& shape);

// A tensor that ONNX Runtime allocated. Throws std::invalid_argument when it is none, or one of strings.
std::shared_ptr<TensorData> adopt_tensor(Ort::Value value);

}  // namespace minference::addon
