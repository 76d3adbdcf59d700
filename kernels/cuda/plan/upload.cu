#include <algorithm>
#include <cstdint>
#include <cstring>

#include "../common/launch.cuh"
#include "upload.h"

namespace minference::cuda {
namespace {

constexpr size_t kChunk = 3840;  // of the 4 KB that parameters may take on every driver

struct Chunk {
  alignas(16) unsigned char bytes[kChunk];
};

__global__ void store_kernel(Chunk chunk, unsigned char* to, int count) {
  for (int i = threadIdx.x; i < count; i += blockDim.x) to[i] = chunk.bytes[i];
}

}  // namespace

void upload_bytes(const void* data, size_t bytes, void* device, const Context& context) {
  for (size_t done = 0; done < bytes; done += kChunk) {
    const size_t count = std::min(kChunk, bytes - done);
    Chunk chunk;
    std::memcpy(chunk.bytes, static_cast<const unsigned char*>(data) + done, count);
    launch(store_kernel, dim3(1), dim3(256), 0, context.stream, chunk, static_cast<unsigned char*>(device) + done,
           static_cast<int>(count));
  }
}

}  // namespace minference::cuda
