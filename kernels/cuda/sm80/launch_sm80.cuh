// The persistent grid: as many blocks as the device holds at once.
#pragma once

#include <algorithm>
#include <atomic>

#include "../common/check.h"
#include "../common/device.h"
#include "kernel.cuh"
#include "launch_sm80.h"

namespace minference::cuda::sm80 {

// Blocks that run at once on the current device.
template <typename T, int kHeadDim, bool kCareful>
int64_t resident_blocks() {
  constexpr int kDevices = 64;
  static std::atomic<int> known[kDevices]{};
  int device = 0, count = 0;
  check(cudaGetDevice(&device), "finding the device");
  if (device < kDevices && (count = known[device].load(std::memory_order_relaxed)) > 0) return count;
  const auto* kernel = reinterpret_cast<const void*>(&attend_kernel<T, kHeadDim, kCareful>);
  constexpr int kBytes = sizeof(SharedMemory<Shape<kHeadDim>>);
  int each = 0;
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes), "asking for shared memory");
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributePreferredSharedMemoryCarveout, cudaSharedmemCarveoutMaxShared),
        "asking for shared memory");
  check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&each, kernel, kThreads, kBytes), "asking for the occupancy");
  count = device_facts().multiprocessors * std::max(each, 1);
  if (device < kDevices) known[device].store(count, std::memory_order_relaxed);
  return count;
}

template <typename T, int kHeadDim, bool kCareful>
void launch_pass(const Call& call, cudaStream_t stream) {
  const int64_t blocks = std::min(call.queues.all.num_items, resident_blocks<T, kHeadDim, kCareful>());
  launch(attend_kernel<T, kHeadDim, kCareful>, dim3(static_cast<unsigned>(blocks)), dim3(kThreads),
         sizeof(SharedMemory<Shape<kHeadDim>>), stream, call);
}

template <typename T, int kHeadDim>
void launch_kernel(const Call& call, cudaStream_t stream) {
  launch_pass<T, kHeadDim, false>(call, stream);
  launch_pass<T, kHeadDim, true>(call, stream);
}

template <typename T>
void launch_type(const Call& call, cudaStream_t stream) {
  if (call.head_dim <= 64) {
    launch_kernel<T, 64>(call, stream);
  } else if (call.head_dim <= 96) {
    launch_kernel<T, 96>(call, stream);
  } else if (call.head_dim <= 128) {
    launch_kernel<T, 128>(call, stream);
  } else {
    launch_kernel<T, 256>(call, stream);
  }
}

}  // namespace minference::cuda::sm80
