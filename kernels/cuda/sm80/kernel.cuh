// Attention of one row block of one head after the other, taken from the schedule.
#pragma once

#include "key_tiles.cuh"
#include "load.cuh"
#include "products.cuh"
#include "softmax.cuh"
#include "store.cuh"

namespace minference::cuda::sm80 {

// A warp's part of a row block.
struct WarpRows {
  int64_t batch, head, row;  // the first row, within the call
  int32_t valid;             // rows with a position; may be negative
  int32_t stored;            // rows that the output has; may be negative
};

template <typename S>
__device__ inline WarpRows warp_rows(const Call& call, const WorkItem& work, int32_t rows) {
  const int64_t batch = work.head / call.num_heads;
  const int64_t row = int64_t{work.block} * S::kBlockRows + static_cast<int>(threadIdx.x / 32) * S::kWarpRows;
  return {batch, work.head - batch * call.num_heads, row, static_cast<int32_t>(rows - row),
          static_cast<int32_t>(call.seqlen_q - row)};
}

// Queries under way, first tiles known.
template <typename S, typename T>
__device__ inline void start_rows(const Call& call, SharedMemory<S>& shared, unsigned char* own_rows,
                                  const WorkItem& work, const RowBlock& block, const WarpRows& at) {
  const T* q = static_cast<const T*>(call.q) + at.batch * call.q_stride_batch + at.row * call.q_stride_seq +
               at.head * call.q_stride_head;
  load_queries<S>(own_rows, q, call.q_stride_seq, call.head_dim, at.valid);
  ptx::cp_async_commit();
  if (threadIdx.x == kThreads - 1) {
    const int64_t heads = call.num_heads / call.num_kv_heads;  // of one cache head
    const int64_t cache = work.head / heads * call.capacity * call.head_dim;
    shared.control.k = static_cast<const T*>(call.k) + cache;
    shared.control.v = static_cast<const T*>(call.v) + cache;
    shared.control.first = static_cast<int32_t>(block.first);
  }
  if (threadIdx.x < 32) start_walk<S>(shared.control, call.plans[work.head], block, work.block);
}

// All tiles of a row block, of which the keys of the first two are known.
template <typename S, typename T, bool kCareful>
__device__ inline void attend_tiles(const Call& call, SharedMemory<S>& shared, RowSums<S>& rows, Output<S>& output) {
  Control<S>& control = shared.control;
  const int warp = static_cast<int>(threadIdx.x / 32);
  const uint32_t queries =
      ptx::shared_address(shared.queries) + warp * S::kWarpRows * S::Row::kPitch + left_offset<S>();
  const uint32_t slots = ptx::shared_address(shared.slots);
  if (control.lowest[0] == kNoKey) return;
  load_tile<S>(shared.slots[0], control.k, call.head_dim, control.keys[0]);
  ptx::cp_async_commit();
  load_tile<S>(shared.slots[1], control.v, call.head_dim, control.keys[0]);
  ptx::cp_async_commit();
  int slot = 0;  // used now; the one before it is filled anew
  const auto take_next = [&slot] { slot = slot == S::kSlots - 1 ? 0 : slot + 1; };
  const auto previous = [&]() { return shared.slots[slot == 0 ? S::kSlots - 1 : slot - 1]; };
  for (int tile = 0;; ++tile) {
    const int now = tile % 2, then = 1 - now;
    ptx::cp_async_wait<1>();
    __syncthreads();
    const bool has_more = control.lowest[then] != kNoKey;
    if (has_more) load_tile<S>(previous(), control.k, call.head_dim, control.keys[then]);
    ptx::cp_async_commit();
    const int32_t first = control.first + warp * S::kWarpRows;
    const Sight sight =
        sight_of(control.lowest[now], control.highest[now], first, first + S::kWarpRows - 1, call.window);
    Weights<S> weights;
    Scores<S> scores;
    if (sight != Sight::kNothing) {
      multiply_keys<S, T>(scores, queries, slots + slot * S::kSlotBytes + right_offset<S>());
      if (call.is_shaped) shape_scores<S>(scores, call.inner, call.cap);
      if (sight == Sight::kSome) mask_scores<S>(scores, control.keys[now], first, call.window);
      add_scores<S, T>(scores, call.scale_log2, rows, output, weights);
    }
    take_next();
    ptx::cp_async_wait<1>();
    __syncthreads();
    if (has_more) load_tile<S>(previous(), control.v, call.head_dim, control.keys[then]);
    ptx::cp_async_commit();
    if (sight != Sight::kNothing) {
      const uint32_t values = slots + slot * S::kSlotBytes + left_offset<S>();
      if constexpr (kCareful) {
        multiply_values_carefully<S, T>(output, scores, weights, values);
      } else {
        multiply_values<S, T>(output, weights, values);
      }
    }
    take_next();
    if (!has_more) break;
    if (warp == tile % kWarps) continue_walk<S>(control, now);
  }
}

// Writes the warp's rows; those beyond the batch entry's are zeros.
template <typename S, typename T, bool kCareful>
__device__ inline void end_rows(const Call& call, unsigned char* own_rows, const WorkItem& work, int32_t entry_rows,
                                RowSums<S>& rows, Output<S>& output) {
  const WarpRows at = warp_rows<S>(call, work, entry_rows);
  float* lse = call.lse == nullptr ? nullptr : call.lse + int64_t{work.head} * call.seqlen_q + at.row;
  const float sink = call.head_sink == nullptr ? -INFINITY : call.head_sink[at.head] * kLog2E;
  const bool is_spoiled = finish_rows<S, T>(output, rows, call.scale_log2, sink, own_rows, lse, at.valid);
  if constexpr (!kCareful) {
    if (__any_sync(0xffffffffu, is_spoiled) && threadIdx.x % 32 == 0) list_spoiled(call.queues.spoiled, work);
  }
  for (int row = static_cast<int>(threadIdx.x % 32); lse != nullptr && row < S::kWarpRows; row += 32) {
    if (row >= at.valid && row < at.stored) lse[row] = -INFINITY;
  }
  __syncwarp();
  T* out = static_cast<T*>(call.out) + ((at.batch * call.seqlen_q + at.row) * call.num_heads + at.head) * call.head_dim;
  write_rows<S>(own_rows, out, int64_t{call.num_heads} * call.head_dim, call.head_dim, at.valid, at.stored);
}

// kCareful: the call's second launch.
template <typename T, int kHeadDim, bool kCareful>
__global__ void __launch_bounds__(kThreads, Shape<kHeadDim>::kBlocksPerProcessor)
    attend_kernel(const __grid_constant__ Call call) {
  using S = Shape<kHeadDim>;
  const WorkQueue& queue = kCareful ? call.queues.again : call.queues.all;
  const int64_t num_items = kCareful ? *call.queues.spoiled.count : queue.num_items;
  auto& shared = *reinterpret_cast<SharedMemory<S>*>(dynamic_shared());
  Control<S>& control = shared.control;
  unsigned char* const own_rows = shared.queries + threadIdx.x / 32 * (S::kWarpRows * S::Row::kPitch);
  if (threadIdx.x == 0) control.item = atomicAdd(queue.next, 1);
  __syncthreads();
  while (control.item < num_items) {
    RowSums<S> rows;
    Output<S> output;
    clear<S>(rows, output);
    bool has_rows;
    {
      const WorkItem work = queue.items[control.item];
      const BatchEntry entry = call.batch[work.head / call.num_heads];
      const RowBlock block =
          RowBlock::at(work.block, S::kBlockRows, entry.past, entry.rows, call.window == INT32_MAX ? -1 : call.window);
      has_rows = block.first <= block.last;
      if (has_rows) {
        start_rows<S, T>(call, shared, own_rows, work, block, warp_rows<S>(call, work, entry.rows));
      }
      if (threadIdx.x == 0) {
        control.work = work;
        control.rows = entry.rows;
      }
    }
    __syncthreads();  // everybody knows the item and the first tiles
    if (threadIdx.x == 0) control.item = atomicAdd(queue.next, 1);
    if (has_rows) {
      attend_tiles<S, T, kCareful>(call, shared, rows, output);
      ptx::cp_async_wait<0>();
      __syncwarp();  // the queries make room for the output
    }
    end_rows<S, T, kCareful>(call, own_rows, control.work, control.rows, rows, output);
    __syncthreads();
  }
}

}  // namespace minference::cuda::sm80
