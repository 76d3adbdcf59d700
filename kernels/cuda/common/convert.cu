#include <algorithm>

#include "common/launch.cuh"
#include "convert.h"
#include "dtype.cuh"

namespace minference::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kMostBlocks = 1 << 16;  // further elements are taken by the same threads

unsigned blocks_for(int64_t count) {
  return static_cast<unsigned>(std::clamp<int64_t>((count + kThreads - 1) / kThreads, 1, kMostBlocks));
}

__global__ void __launch_bounds__(kThreads) narrow_kernel(const float* in, RowLayout layout, __half* out) {
  constexpr float kLargest = 65504.f;
  const int64_t count = layout.n[0] * layout.n[1] * layout.n[2] * layout.width;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count; i += int64_t{gridDim.x} * kThreads) {
    const int64_t row = i / layout.width, column = i - row * layout.width;
    const int64_t outer = row / layout.n[2], z = row - outer * layout.n[2];
    const int64_t x = outer / layout.n[1], y = outer - x * layout.n[1];
    const float value = in[x * layout.stride[0] + y * layout.stride[1] + z * layout.stride[2] + column];
    // NaN fails both comparisons and stays what it is; infinities, too, are no matter of range.
    out[i] = __float2half_rn(value > kLargest && value < INFINITY     ? kLargest
                             : value < -kLargest && value > -INFINITY ? -kLargest
                                                                      : value);
  }
}

template <typename T>
__global__ void __launch_bounds__(kThreads) widen_kernel(const T* in, int64_t count, float* out) {
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count; i += int64_t{gridDim.x} * kThreads) {
    out[i] = to_float(in[i]);
  }
}

}  // namespace

void narrow_rows(const float* in, const RowLayout& layout, void* out, cudaStream_t stream) {
  const int64_t count = layout.n[0] * layout.n[1] * layout.n[2] * layout.width;
  if (count == 0) return;
  launch(narrow_kernel, dim3(blocks_for(count)), dim3(kThreads), 0, stream, in, layout, static_cast<__half*>(out));
}

void widen(const void* in, DataType dtype, int64_t count, float* out, cudaStream_t stream) {
  if (count == 0) return;
  dispatch(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    launch(widen_kernel<T>, dim3(blocks_for(count)), dim3(kThreads), 0, stream, static_cast<const T*>(in), count, out);
  });
}

}  // namespace minference::cuda
