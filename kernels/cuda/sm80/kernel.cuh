// Attention of one row block of one head after the other, taken from the schedule.
#pragma once

#include "key_tiles.cuh"
#include "load.cuh"
#include "products.cuh"
#include "softmax.cuh"
#include "store.cuh"

namespace minference::cuda::sm80 {

// What a warp knows of its item.
template <typename T>
struct Item {
  const T* q;  // the warp's first row
  const T* k;  // key 0 of the cache head
  const T* v;
  T* out;         // the warp's first row
  float* lse;     // of the warp's first row, or null
  int32_t valid;  // rows of this warp with a position; may be negative
  int32_t stored;  // rows of this warp that the output has; may be negative
  int32_t warp_first;  // position of the warp's first row
};

template <typename S, typename T>
__device__ inline Item<T> item_of(const Call& call, const WorkItem& work, const BatchEntry& entry) {
  const int64_t b = work.head / call.num_heads, h = work.head - b * call.num_heads;
  const int64_t kv_head = h / (call.num_heads / call.num_kv_heads);
  const int64_t row = int64_t{work.row_block} * S::kBlockRows + static_cast<int>(threadIdx.x / 32) * S::kWarpRows;
  const int64_t cache = (b * call.num_kv_heads + kv_head) * call.capacity * call.head_dim;
  Item<T> item;
  item.q = static_cast<const T*>(call.q) + b * call.q_stride_batch + row * call.q_stride_seq + h * call.q_stride_head;
  item.k = static_cast<const T*>(call.k) + cache;
  item.v = static_cast<const T*>(call.v) + cache;
  item.out = static_cast<T*>(call.out) + ((b * call.seqlen_q + row) * call.num_heads + h) * call.head_dim;
  item.lse = call.lse == nullptr ? nullptr : call.lse + int64_t{work.head} * call.seqlen_q + row;
  item.valid = static_cast<int32_t>(entry.rows - row);
  item.stored = static_cast<int32_t>(call.seqlen_q - row);
  item.warp_first = static_cast<int32_t>(entry.past + row);
  return item;
}

// All tiles of a row block, of which the keys of the first two are known.
template <typename S, typename T>
__device__ inline void attend_tiles(const Call& call, SharedMemory<S>& shared, const Item<T>& item, int32_t first,
                                    int32_t last, RowSums<S>& rows, Output<S>& output) {
  Control<S>& control = shared.control;
  const int warp = static_cast<int>(threadIdx.x / 32);
  const uint32_t queries = ptx::shared_address(shared.queries) + warp * S::kWarpRows * S::Row::kPitch + left_offset<S>();
  const uint32_t slots = ptx::shared_address(shared.slots);
  const int32_t my_row = item.warp_first + static_cast<int>(threadIdx.x % 32 / 4);
  if (control.state[0] == kNoTile) return;
  load_tile<S>(shared.slots[0], item.k, call.head_dim, control.keys[0]);
  ptx::cp_async_commit();
  load_tile<S>(shared.slots[1], item.v, call.head_dim, control.keys[0]);
  ptx::cp_async_commit();
  int used = 0, filled = 2;  // slots
  const auto advance = [](int& slot) { slot = slot == S::kSlots - 1 ? 0 : slot + 1; };
  for (int tile = 0;; ++tile) {
    const int now = tile % 2, then = 1 - now;
    ptx::cp_async_wait<1>();
    __syncthreads();
    const bool has_more = control.state[then] != kNoTile;
    if (has_more) load_tile<S>(shared.slots[filled], item.k, call.head_dim, control.keys[then]);
    ptx::cp_async_commit();
    advance(filled);
    Weights<S> weights;
    {
      Scores<S> scores;
      multiply_keys<S, T>(scores, queries, slots + used * S::kSlotBytes + right_offset<S>());
      advance(used);
      if (call.is_shaped) shape_scores<S>(scores, call.inner, call.cap);
      if (control.state[now] == kMasked) mask_scores<S>(scores, control.keys[now], my_row, call.window);
      add_scores<S, T>(scores, call.scale_log2, rows, output, weights);
    }
    ptx::cp_async_wait<1>();
    __syncthreads();
    if (has_more) load_tile<S>(shared.slots[filled], item.v, call.head_dim, control.keys[then]);
    ptx::cp_async_commit();
    advance(filled);
    multiply_values<S, T>(output, weights, slots + used * S::kSlotBytes + left_offset<S>());
    advance(used);
    if (!has_more) break;
    if (warp == tile % kWarps) continue_walk<S>(control, now, first, last, call.window);
  }
}

template <typename T, int kHeadDim>
__global__ void __launch_bounds__(kThreads, Shape<kHeadDim>::kBlocksPerProcessor)
    attend_kernel(const __grid_constant__ Call call) {
  using S = Shape<kHeadDim>;
  auto& shared = *reinterpret_cast<SharedMemory<S>*>(dynamic_shared());
  Control<S>& control = shared.control;
  unsigned char* const own_rows = shared.queries + threadIdx.x / 32 * (S::kWarpRows * S::Row::kPitch);
  if (threadIdx.x == 0) control.item = atomicAdd(call.schedule.next, 1);
  __syncthreads();
  while (control.item < call.schedule.num_items) {
    const WorkItem work = call.schedule.items[control.item];
    const BatchEntry entry = call.batch[work.head / call.num_heads];
    const Item<T> item = item_of<S, T>(call, work, entry);
    const RowBlock block = RowBlock::at(work.row_block, S::kBlockRows, entry.past, entry.rows,
                                        call.window == INT32_MAX ? -1 : call.window);
    const bool has_rows = block.first <= block.last;
    if (has_rows) {
      load_queries<S>(own_rows, item.q, call.q_stride_seq, call.head_dim, item.valid);
      ptx::cp_async_commit();
      if (threadIdx.x < 32) start_walk<S>(control, call.plans[work.head], block, work.row_block, call.window);
    }
    __syncthreads();  // everybody knows the item, and the first tiles
    if (threadIdx.x == 0) control.item = atomicAdd(call.schedule.next, 1);

    RowSums<S> rows;
    Output<S> output;
#pragma unroll
    for (int i = 0; i < S::kRowTiles; ++i) {
      rows.max[i][0] = rows.max[i][1] = -INFINITY;
      rows.sum[i][0] = rows.sum[i][1] = 0;
#pragma unroll
      for (int n = 0; n < kHeadDim / 8; ++n) {
#pragma unroll
        for (float& value : output[i][n]) value = 0;
      }
    }
    if (has_rows) {
      attend_tiles<S>(call, shared, item, static_cast<int32_t>(block.first), static_cast<int32_t>(block.last), rows,
                      output);
      ptx::cp_async_wait<0>();
      __syncwarp();  // the queries are not needed any more
      const float sink =
          call.head_sink == nullptr ? -INFINITY : call.head_sink[work.head % call.num_heads] * kLog2E;
      finish_rows<S, T>(output, rows, call.scale_log2, sink, own_rows, item.lse, item.valid);
      __syncwarp();
    }
    write_rows<S>(own_rows, item.out, int64_t{call.num_heads} * call.head_dim, call.head_dim, item.valid, item.stored);
    for (int row = threadIdx.x % 32; item.lse != nullptr && row < S::kWarpRows; row += 32) {
      if (row >= item.valid && row < item.stored) item.lse[row] = -INFINITY;
    }
    __syncthreads();
  }
}

}  // namespace minference::cuda::sm80
