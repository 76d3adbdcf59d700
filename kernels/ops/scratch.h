// Temporary memory of one call, from ONNX Runtime's arena: the next layer gets the same pages.
#pragma once

#include <cstddef>
#include <vector>

#include "ort.h"

namespace minference::ops {

class Scratch {
 public:
  explicit Scratch(const Ort::KernelContext& context);

  // Uninitialised; lives as long as this object.
  void* allocate(size_t bytes);

 private:
  Ort::Allocator allocator_;
  std::vector<Ort::MemoryAllocation> blocks_;
};

}  // namespace minference::ops
