#include "scratch.h"

#include <algorithm>

namespace minference::ops {

Scratch::Scratch(const Ort::KernelContext& context)
    : allocator_(context.GetAllocator(
          *static_cast<OrtMemoryInfo*>(Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault)))) {}

void* Scratch::allocate(size_t bytes) {
  blocks_.push_back(allocator_.GetAllocation(std::max<size_t>(bytes, 1)));
  return blocks_.back().get();
}

}  // namespace minference::ops
