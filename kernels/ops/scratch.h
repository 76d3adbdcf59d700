// Temporary memory of one call, from ONNX Runtime's arenas: the next layer gets the same pages.
#pragma once

#include <cstddef>
#include <vector>

#include "ort.h"

namespace minference::ops {

class Scratch {
 public:
  // Memory of the host, or of a CUDA device: that one may be used by what the call has put on its stream by the time
  // this object goes.
  static Scratch on_host(const Ort::KernelContext& context);
  static Scratch on_device(const Ort::KernelContext& context, int device);

  ~Scratch();
  Scratch(Scratch&& other) noexcept = default;
  Scratch& operator=(Scratch&&) = delete;

  // Uninitialised; lives as long as this object.
  void* allocate(size_t bytes);

 private:
  Scratch(Ort::Allocator allocator, OrtSyncStream* stream);

  Ort::Allocator allocator_;
  OrtSyncStream* stream_;  // null: the arena does not care, or memory is the host's
  std::vector<void*> blocks_;
};

}  // namespace minference::ops
