// Memory of a tensor, shared by the JavaScript object, its view and the runs that use it.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "ort.h"

namespace minference::addon {

// Where a tensor's elements are: the host's memory, or that of the CUDA device with this number.
struct Place {
  int device = kHostDevice;
  static constexpr int kHostDevice = -1;
  bool on_host() const { return device == kHostDevice; }
  bool operator==(const Place&) const = default;
};

struct TensorData {
  // Backing memory when it is ours, not ONNX Runtime's, or what ONNX Runtime's memory needs to be freed.
  std::shared_ptr<void> keeper;
  Ort::Value value{nullptr};
  size_t bytes = 0;
  Place place;
};

// Uninitialised memory. Throws std::invalid_argument for element types and shapes that no tensor has.
std::shared_ptr<TensorData> allocate_tensor(int32_t element_type, const std::vector<int64_t>& shape, Place place = {});

// A tensor that ONNX Runtime allocated. Throws std::invalid_argument when it is none, or one of strings.
std::shared_ptr<TensorData> adopt_tensor(Ort::Value value, std::shared_ptr<void> keeper);

// Copies `bytes` between the tensor, from `offset` on, and host memory; done when they return.
void read_tensor(const TensorData& tensor, size_t offset, void* to, size_t bytes);
void write_tensor(TensorData& tensor, size_t offset, const void* from, size_t bytes);

}  // namespace minference::addon
