// A computing warpgroup of the second launch: its products with the values are mma.sync's, where a row takes only
// values of keys that have weight in it (attention/anomalies.cuh). One thing after the other; it is rarely needed.
#pragma once

#include "../attention/anomalies.cuh"
#include "consumer.cuh"
#include "ptx/ldmatrix.cuh"

namespace minference::cuda::sm90 {

template <typename T, int kHeadDim, bool kSoftcap>
class CarefulConsumer : Consumer<T, kHeadDim, kSoftcap> {
  using Base = Consumer<T, kHeadDim, kSoftcap>;
  using typename Base::Output;
  using typename Base::Scores;
  using typename Base::Weights;

 public:
  using Base::Base;

  __device__ __forceinline__ void run() {
    for (uint32_t parity = 0;; parity ^= 1) {
      ptx::barrier_wait(&this->shared_.q_full, parity);
      const WorkItem item = this->shared_.item;
      if (item.block < 0) break;
      attend(item, this->shared_.has_tiles);
    }
  }

 private:
  __device__ __forceinline__ void attend(WorkItem item, bool has_tiles) {
    const BatchEntry entry = this->call_.batch[item.head / this->call_.num_heads];
    const int32_t row = item.block * kRows + this->row_in_item();
    Output out;
#pragma unroll
    for (float& x : out) x = 0;
    Softmax softmax = this->make_softmax();
    for (uint32_t flags = has_tiles ? 0 : kLast; (flags & kLast) == 0;) {
      flags = this->wait_for_keys();
      if ((flags & 1u << this->half_) == 0) {
        this->skip_tile();
        this->release_skipped();
        continue;
      }
      Scores scores;
      float correction[2];
      ptx::wgmma_fence();
      start_scores<T, kHeadDim>(scores, this->queries(), this->shared_.k[this->keys_.stage]);
      ptx::wgmma_wait<0>();
      ptx::wgmma_hold(scores);
      this->finish_scores(scores, flags, entry.past + row, this->reach());
      if (softmax.update(scores, correction)) this->rescale(out, correction);
      this->wait_for_values(false);
      add_values(out, scores, this->shared_.v[this->values_.stage]);
      this->release_values();
    }
    this->release(&this->shared_.q_empty);
    this->write_rows(out, softmax, item, entry.rows, row);
  }

  __device__ __forceinline__ static void add_values(Output& out, const Scores& probabilities, const unsigned char* v) {
    Weights weights, presence;
    pack_probabilities<T>(probabilities, weights);
#pragma unroll
    for (int step = 0; step < kKeys / 16; ++step) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        presence[step][i] = pack_presence<T>(probabilities[8 * step + 2 * i], probabilities[8 * step + 2 * i + 1]);
      }
    }
    const uint32_t lane = threadIdx.x % 32;
    // The lane's key and its half of 16 columns; TMA has swizzled the row's pieces of 8.
    const uint32_t values = ptx::shared_address(v) + lane % 16 * kRowBytes;
#pragma unroll 1
    for (int step = 0; step < kKeys / 16; ++step) {
#pragma unroll
      for (int n = 0; n < kHeadDim / 16; ++n) {
        const uint32_t piece = (2 * n % 8 + lane / 16) ^ lane % 8;
        uint32_t right[4];
        ptx::ldmatrix_x4_transposed(right, values + n / 4 * kPanelBytes + step * 16 * kRowBytes + piece * 16);
#pragma unroll
        for (int half = 0; half < 2; ++half) {
          float(&tile)[4] = *reinterpret_cast<float(*)[4]>(out + 8 * n + 4 * half);
          const uint32_t pair[2] = {right[2 * half], right[2 * half + 1]};
          multiply_carefully<T>(tile, weights[step], presence[step], pair);
        }
      }
    }
  }
};

}  // namespace minference::cuda::sm90
