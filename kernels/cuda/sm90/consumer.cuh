// A computing warpgroup: one row block of each item. The scores of one tile are computed while the softmax of the tile
// before is still to be multiplied with its values. Where both warpgroups compute the same tile they take turns at the
// tensor cores, so that one's exponentials run beside the other's products; tiles for one of them only leave them to
// the other's anyway.
#pragma once

#include "../attention/spoiled.cuh"
#include "call.cuh"
#include "products.cuh"
#include "ptx/fence.cuh"
#include "ptx/named_barrier.cuh"
#include "softmax.cuh"
#include "write_rows.cuh"

namespace minference::cuda::sm90 {

template <typename T, int kHeadDim, bool kSoftcap>
class Consumer {
 protected:
  using Memory = Shared<kHeadDim>;
  using Scores = float[kKeys / 2];
  using Output = float[kHeadDim / 2];
  using Weights = uint32_t[kKeys / 16][4];

 public:
  __device__ Consumer(const Call& call, Memory& shared, int half) : call_(call), shared_(shared), half_(half) {}

  __device__ __forceinline__ void run() {
    if (half_ == 1) give_turn();  // the first begins
    for (uint32_t parity = 0;; parity ^= 1) {
      ptx::barrier_wait(&shared_.q_full, parity);
      const WorkItem item = shared_.item;
      if (item.block < 0) break;
      attend(item, shared_.has_tiles);
    }
    if (half_ == 0) take_turn();  // the other's last gift
  }

 protected:
  __device__ __forceinline__ Softmax make_softmax() const {
    return Softmax(kSoftcap ? kLog2E : call_.sm_scale * kLog2E);
  }
  // This group's rows of the query tile.
  __device__ __forceinline__ const unsigned char* queries() const {
    return shared_.q + half_ * (kBlockRows * kRowBytes);
  }
  // Keys up to its own that a row sees.
  __device__ __forceinline__ uint32_t reach() const {
    return call_.window < 0 ? 0x80000000u : static_cast<uint32_t>(min(call_.window, int64_t{INT32_MAX}));
  }

  __device__ __forceinline__ void attend(WorkItem item, bool has_tiles) {
    const BatchEntry entry = call_.batch[item.head / call_.num_heads];
    const int32_t row = item.block * kRows + row_in_item();
    const uint32_t reach = this->reach();
    const unsigned char* q = queries();

    Output out;
    Weights p;
#pragma unroll
    for (float& x : out) x = 0;
    Softmax softmax = make_softmax();
    bool has_weights = false, gathered = false;  // p waits for its values, which were gathered
    for (uint32_t flags = has_tiles ? 0 : kLast; (flags & kLast) == 0;) {
      flags = wait_for_keys();
      if ((flags & 1u << half_) == 0) {
        if (skipped_values_) {
          if (has_weights) multiply_values(out, p, gathered);
          has_weights = false;
          release_skipped();
        }
        skip_tile();
        continue;
      }
      const bool shared_tile = (flags & kForBoth) == kForBoth;
      Scores scores;
      float correction[2];
      if (shared_tile) take_turn();
      ptx::wgmma_hold(out);
      ptx::wgmma_fence();
      start_scores<T, kHeadDim>(scores, q, shared_.k[keys_.stage]);
      if (has_weights) {
        wait_for_values(gathered);
        ptx::wgmma_fence();
        start_output<T, kHeadDim>(out, p, shared_.v[values_.stage]);
        if (shared_tile) give_turn();
        look_ahead();
        ptx::wgmma_wait<1>();
      } else {
        if (shared_tile) give_turn();
        look_ahead();
        release_skipped();
        ptx::wgmma_wait<0>();
      }
      ptx::wgmma_hold(scores);
      finish_scores(scores, flags, entry.past + row, reach);
      const bool corrects = softmax.update(scores, correction);
      softmax.settle();
      ptx::wgmma_wait<0>();
      ptx::wgmma_hold(out);
      if (has_weights) {
        release_values();
        release_skipped();
      }
      if (corrects) rescale(out, correction);
      pack_probabilities<T>(scores, p);
      has_weights = true;
      gathered = (flags & kGathered) != 0;
    }
    release(&shared_.q_empty);
    if (has_weights) multiply_values(out, p, gathered);
    release_skipped();
    if (write_rows(out, softmax, item, entry.rows, row)) list_spoiled(call_.spoiled, item);
  }

  // Of the batch entry's `rows`, this thread's are `row` and 8 further. Returns for one lane of the warp whether one of
  // its rows has elements that are not finite though its scores are numbers.
  __device__ __forceinline__ bool write_rows(const Output& out, const Softmax& softmax, WorkItem item, int32_t rows,
                                             int32_t row) const {
    const float* sink = call_.head_sink == nullptr ? nullptr : call_.head_sink + item.head % call_.num_heads;
    bool is_spoiled = false;
#pragma unroll
    for (int pair = 0; pair < 2; ++pair) {
      float lse;
      const float factor = softmax.finish(pair, sink, lse);
      const bool is_padding = row + 8 * pair >= rows;
      write_row<T, kHeadDim>(out, pair, factor, is_padding, is_padding ? -INFINITY : lse, call_, item.head,
                             row + 8 * pair);
      AnomalySum anomalies;
#pragma unroll
      for (int i = 2 * pair; i < kHeadDim / 2; i += 4) {
        anomalies.add(out[i]);
        anomalies.add(out[i + 1]);
      }
      is_spoiled = is_spoiled || (!is_padding && lse == lse && anomalies.found());
    }
    return __any_sync(0xffffffffu, is_spoiled) != 0 && threadIdx.x % 32 == 0;
  }

  // out += p times the values of its tile, with nothing beside it.
  __device__ __forceinline__ void multiply_values(Output& out, const Weights& p, bool gathered) {
    wait_for_values(gathered);
    ptx::wgmma_hold(out);
    ptx::wgmma_fence();
    start_output<T, kHeadDim>(out, p, shared_.v[values_.stage]);
    ptx::wgmma_wait<0>();
    ptx::wgmma_hold(out);
    release_values();
  }

  // A tile for the other group only: its keys are given back at once, its values after those that p waits for.
  __device__ __forceinline__ void skip_tile() {
    release(&shared_.k_empty[keys_.stage]);
    keys_.advance();
    skipped_values_ = true;
  }

  // Not before they are there: until then a phase of the barrier may be open in which others are to release.
  __device__ __forceinline__ void release_skipped() {
    if (!skipped_values_) return;
    ptx::barrier_wait(&shared_.v_full[values_.stage], values_.parity);
    release_values();
    skipped_values_ = false;
  }

  __device__ __forceinline__ void rescale(Output& out, const float (&correction)[2]) {
#pragma unroll
    for (int i = 0; i < kHeadDim / 2; ++i) out[i] *= correction[i / 2 % 2];
  }

  // Masks the scores and gives the stage of keys back.
  __device__ __forceinline__ void finish_scores(Scores& scores, uint32_t flags, int32_t row, uint32_t reach) {
    if constexpr (kSoftcap) cap_scores(scores, call_.sm_scale, call_.softcap);
    mask_scores(scores, flags, shared_.keys[keys_.stage][half_], row, reach);
    release(&shared_.k_empty[keys_.stage]);
    keys_.advance();
  }

  // The next tile's flags, if it is there already: beside the products it costs nothing to ask.
  __device__ __forceinline__ void look_ahead() {
    RingPlace<Memory::kKeyStages> next = keys_;
    next.advance();
    sees_next_ = ptx::barrier_test(&shared_.k_full[next.stage], next.parity);
    if (sees_next_) next_flags_ = shared_.flags[next.stage];
  }

  __device__ __forceinline__ uint32_t wait_for_keys() {
    if (!sees_next_) {
      ptx::barrier_wait(&shared_.k_full[keys_.stage], keys_.parity);
      next_flags_ = shared_.flags[keys_.stage];
    }
    const uint32_t flags = next_flags_;
    sees_next_ = false;
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
    if (threadIdx.x % 32 == 0 || call_.every_lane_arrives) ptx::barrier_arrive(barrier);
  }

  __device__ __forceinline__ void take_turn() { ptx::named_sync(kTurnBarrier + half_, 128 * kHalves); }
  __device__ __forceinline__ void give_turn() { ptx::named_arrive(kTurnBarrier + 1 - half_, 128 * kHalves); }

  __device__ int row_in_item() const {
    const int thread = static_cast<int>(threadIdx.x % 128);
    return kBlockRows * half_ + thread / 32 * 16 + thread % 32 / 4;
  }

  const Call& call_;
  Memory& shared_;
  int half_;
  RingPlace<Memory::kKeyStages> keys_;
  RingPlace<Memory::kValueStages> values_;
  bool skipped_values_ = false;  // of one tile
  bool sees_next_ = false;       // the tile at keys_ is there
  uint32_t next_flags_ = 0;
};

}  // namespace minference::cuda::sm90
