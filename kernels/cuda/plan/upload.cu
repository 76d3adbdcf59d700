#include <algorithm>
#include <cstdint>
#include <cstring>

#include "common/launch.cuh"
#include "upload.h"

namespace minference::cuda {
namespace {

constexpr size_t kChunk = 3840;  // of the 4 KB that parameters may take on every driver

struct Chunk {
  uint64_t words[kChunk / 8];
};

// Lanes read parameters one after the other: few words rather than many bytes.
__global__ void store_kernel(Chunk chunk, uint64_t* to, int count) {
  for (int i = threadIdx.x; i < count; i += blockDim.x) to[i] = chunk.words[i];
}

}  // namespace

void upload_bytes(const void* data, size_t bytes, void* device, const Context& context) {
  for (size_t done = 0; done < bytes; done += kChunk) {
    const size_t count = std::min(kChunk, bytes - done);
    Chunk chunk;
    std::memcpy(chunk.words, static_cast<const unsigned char*>(data) + done, count);
    launch(store_kernel, dim3(1), dim3(256), 0, context.stream, chunk,
           reinterpret_cast<uint64_t*>(static_cast<unsigned char*>(device) + done), static_cast<int>(count / 8));
  }
}

}  // namespace minference::cuda
