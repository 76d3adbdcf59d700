#include "scratch.h"

#include <algorithm>
#include <new>
#include <utility>

namespace minference::ops {

Scratch::Scratch(Ort::Allocator allocator, OrtSyncStream* stream) : allocator_(std::move(allocator)), stream_(stream) {}

Scratch Scratch::on_host(const Ort::KernelContext& context) {
  return {context.GetAllocator(*Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault)), nullptr};
}

Scratch Scratch::on_device(const Ort::KernelContext& context, int device) {
  const Ort::MemoryInfo memory("Cuda", OrtDeviceAllocator, device, OrtMemTypeDefault);
  OrtSyncStream* stream = nullptr;
  Ort::ThrowOnError(Ort::GetApi().KernelContext_GetSyncStream(context.GetOrtKernelContext(), &stream));
  return {context.GetAllocator(*memory), stream};
}

Scratch::~Scratch() {
  OrtAllocator* allocator = allocator_;
  for (void* block : blocks_) allocator->Free(allocator, block);
}

// An arena hands a block that one stream has freed to another stream only after what the first had to do with it.
void* Scratch::allocate(size_t bytes) {
  constexpr uint32_t kStreamsSince = 23;
  OrtAllocator* allocator = allocator_;
  const size_t size = std::max<size_t>(bytes, 1);
  blocks_.reserve(blocks_.size() + 1);
  const bool on_stream =
      stream_ != nullptr && allocator->version >= kStreamsSince && allocator->AllocOnStream != nullptr;
  void* block = on_stream ? allocator->AllocOnStream(allocator, size, stream_) : allocator->Alloc(allocator, size);
  if (block == nullptr) throw std::bad_alloc();
  blocks_.push_back(block);
  return block;
}

}  // namespace minference::ops
