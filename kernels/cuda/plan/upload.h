#pragma once

#include <cstddef>
#include <vector>

#include "minference/cuda.h"

namespace minference::cuda {

// Copies host bytes, a multiple of 8, to device memory by way of kernel parameters: without staging, and a captured
// graph keeps them.
void upload_bytes(const void* data, size_t bytes, void* device, const Context& context);

template <typename T>
T* upload(const std::vector<T>& values, const Context& context) {
  static_assert(sizeof(T) % 8 == 0);
  auto* device = static_cast<T*>(context.allocate(values.empty() ? sizeof(T) : values.size() * sizeof(T)));
  upload_bytes(values.data(), values.size() * sizeof(T), device, context);
  return device;
}

}  // namespace minference::cuda
