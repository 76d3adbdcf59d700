// A computing warpgroup: 64 rows of each row block. The scores of one tile are computed while the softmax of the tile
// before is still to be multiplied with its values, and the two groups take turns at the tensor cores, so that one's
// exponentials run beside the other's products.
#pragma once

#include "../ptx/fence.cuh"
#include "../ptx/named_barrier.cuh"
#include "call.cuh"
#include "products.cuh"
#include "softmax.cuh"
#include "write_rows.cuh"

namespace minference::cuda::sm90 {

template <typename T, int kHeadDim, bool kSoftcap>
class Consumer {
  using Memory = Shared<kHeadDim>;
  using Place = RingPlace<Memory::kStages>;

 public:
  __device__ Consumer(const Call& call, Memory& shared, int group) : call_(call), shared_(shared), group_(group) {}

  __device__ __forceinline__ void run() {
    if (group_ == 1) give_turn();  // the first group begins
    for (uint32_t parity = 0;; parity ^= 1) {
      ptx::barrier_wait(&shared_.q_full, parity);
      const WorkItem item = shared_.item;
      if (item.row_block < 0) break;
      if (shared_.has_tiles) {
        attend(item);
      } else {
        release(&shared_.q_empty);
        write_nothing(item);
      }
    }
    if (group_ == 0) take_turn();  // the other's last gift
  }

 private:
  __device__ __forceinline__ void attend(WorkItem item) {
    const BatchEntry entry = call_.batch[item.head / call_.num_heads];
    const int32_t row = item.row_block * kRows + row_in_block();
    const float* sink = call_.head_sink == nullptr ? nullptr : call_.head_sink + item.head % call_.num_heads;
    const uint32_t reach = call_.window < 0 ? 0x80000000u : static_cast<uint32_t>(min(call_.window, int64_t{INT32_MAX}));
    const unsigned char* q = shared_.q + group_ * (64 * kRowBytes);

    float out[kHeadDim / 2], scores[kKeys / 2], correction[2];
    uint32_t p[kKeys / 16][4];
#pragma unroll
    for (float& x : out) x = 0;
    Softmax softmax(kSoftcap ? kLog2E : call_.sm_scale * kLog2E);

    uint32_t flags = wait_for_keys();
    ptx::wgmma_fence();
    start_scores<T, kHeadDim>(scores, q, shared_.k[keys_.stage]);
    ptx::wgmma_wait<0>();
    hold(scores);
    finish_scores(scores, flags, entry.past + row, reach);
    softmax.update(scores, correction);
    pack_probabilities<T>(scores, p);

    while ((flags & kLast) == 0) {
      const bool gathered = (flags & kGathered) != 0;
      flags = wait_for_keys();
      take_turn();
      hold(out);
      ptx::wgmma_fence();
      start_scores<T, kHeadDim>(scores, q, shared_.k[keys_.stage]);
      wait_for_values(gathered);
      ptx::wgmma_fence();
      start_output<T, kHeadDim>(out, p, shared_.v[values_.stage]);
      give_turn();
      ptx::wgmma_wait<1>();
      hold(scores);
      finish_scores(scores, flags, entry.past + row, reach);
      softmax.update(scores, correction);
      softmax.settle();
      ptx::wgmma_wait<0>();
      hold(out);
      release_values();
      rescale(out, correction);
      pack_probabilities<T>(scores, p);
    }
    release(&shared_.q_empty);
    wait_for_values((flags & kGathered) != 0);
    hold(out);
    ptx::wgmma_fence();
    start_output<T, kHeadDim>(out, p, shared_.v[values_.stage]);
    ptx::wgmma_wait<0>();
    hold(out);
    release_values();

#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float lse;
      const float factor = softmax.finish(half, sink, lse);
      const bool is_padding = row + 8 * half >= entry.rows;
      write_row<T, kHeadDim>(out, half, factor, is_padding, is_padding ? -INFINITY : lse, call_, item.head,
                             row + 8 * half);
    }
  }

  // Rows that see no key, or padding.
  __device__ __forceinline__ void write_nothing(WorkItem item) {
    float zeros[kHeadDim / 2] = {};
    for (int half = 0; half < 2; ++half) {
      write_row<T, kHeadDim>(zeros, half, 0.0f, true, -INFINITY, call_, item.head,
                             item.row_block * kRows + row_in_block() + 8 * half);
    }
  }

  // The largest score seldom changes once some tiles are done.
  __device__ __forceinline__ void rescale(float (&out)[kHeadDim / 2], const float (&correction)[2]) {
    if (!__any_sync(0xffffffffu, correction[0] != 1 || correction[1] != 1)) return;
#pragma unroll
    for (int i = 0; i < kHeadDim / 2; ++i) out[i] *= correction[i / 2 % 2];
  }

  // Masks the scores and gives the stage of keys back.
  __device__ __forceinline__ void finish_scores(float (&scores)[kKeys / 2], uint32_t flags, int32_t row, uint32_t reach) {
    if constexpr (kSoftcap) cap_scores(scores, call_.sm_scale, call_.softcap);
    mask_scores(scores, flags, shared_.positions[keys_.stage], row, reach);
    release(&shared_.k_empty[keys_.stage]);
    keys_.advance();
  }

  __device__ __forceinline__ uint32_t wait_for_keys() {
    ptx::barrier_wait(&shared_.k_full[keys_.stage], keys_.parity);
    const uint4 of = *reinterpret_cast<const uint4*>(shared_.flags[keys_.stage]);
    const uint32_t flags = of.x | of.y | of.z | of.w;
    if ((flags & kGathered) != 0) ptx::fence_async_proxy();
    return flags;
  }
  __device__ __forceinline__ void wait_for_values(bool gathered) {
    ptx::barrier_wait(&shared_.v_full[values_.stage], values_.parity);
    if (gathered) ptx::fence_async_proxy();
  }
  __device__ __forceinline__ void release_values() {
    release(&shared_.v_empty[values_.stage]);
    values_.advance();
  }
  // Every lane is done with what the barrier guards.
  __device__ __forceinline__ void release(ptx::Barrier* barrier) {
    __syncwarp();
    if (threadIdx.x % 32 == 0) ptx::barrier_arrive(barrier);
  }

  __device__ __forceinline__ void take_turn() { ptx::named_sync(kTurnBarrier + group_, 128 * kConsumerGroups); }
  __device__ __forceinline__ void give_turn() { ptx::named_arrive(kTurnBarrier + 1 - group_, 128 * kConsumerGroups); }

  __device__ int row_in_block() const {
    const int thread = static_cast<int>(threadIdx.x % 128);
    return 64 * group_ + thread / 32 * 16 + thread % 32 / 4;
  }

  const Call& call_;
  Memory& shared_;
  int group_;
  Place keys_, values_;
};

}  // namespace minference::cuda::sm90
