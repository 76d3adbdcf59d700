// The kernel of both launches of a call.
#pragma once

#include <type_traits>

#include "careful_consumer.cuh"
#include "producer.cuh"
#include "ptx/registers.cuh"

namespace minference::cuda::sm90 {

// 504 registers for one thread of each warpgroup. The walk wants more than 88; a softcap leaves the consumers none
// over.
template <bool kSoftcap>
constexpr int kProducerRegisters = kSoftcap ? 88 : 104;
template <bool kSoftcap>
constexpr int kConsumerRegisters = (504 - kProducerRegisters<kSoftcap>) / kHalves;

// kCareful: the second launch.
template <typename T, int kHeadDim, bool kSoftcap, bool kCareful>
__global__ void __launch_bounds__(kThreads, 1)
    attend_kernel(Call call, const __grid_constant__ Maps maps, const T* keys, const T* values, int64_t capacity) {
  if constexpr (kCareful) {
    call.queue.num_items = *call.spoiled.count;
    if (call.queue.num_items == 0) return;
  }
  auto& shared = *reinterpret_cast<Shared<kHeadDim>*>(dynamic_shared());
  if (threadIdx.x == 0) shared.init(call.every_lane_arrives ? 32 : 1);
  __syncthreads();
  if (threadIdx.x < kProducerThreads) {
    ptx::registers_decrease<kProducerRegisters<kSoftcap>>();
    Producer<T, kHeadDim>(call, &maps, shared).run(keys, values, capacity);
  } else {
    ptx::registers_increase<kConsumerRegisters<kSoftcap>>();
    using Computing =
        std::conditional_t<kCareful, CarefulConsumer<T, kHeadDim, kSoftcap>, Consumer<T, kHeadDim, kSoftcap>>;
    Computing(call, shared, static_cast<int>(threadIdx.x / 128) - 1).run();
  }
}

}  // namespace minference::cuda::sm90
