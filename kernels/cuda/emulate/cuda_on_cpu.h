// CUDA C++ on the CPU. The threads of a block are fibers that run in turn until they wait; blocks run one after the
// other. What PTX does is written in ptx/, in headers of the same names as the wrappers of ../ptx, on top of
// wait_until, warp_read and the queues below. See README.md for what this finds and what it cannot.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime_api.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <type_traits>
#include <utility>

#include "../common/check.h"

namespace minference::cuda::emulate {

constexpr size_t kPayload = 64;  // bytes that one lane can show to its warp at once

struct Position {
  uint3 thread, block;
  dim3 block_dim, grid_dim;
};

extern Position position;  // of the fiber that runs now
extern int linear_thread;  // its number within the block: x first

inline int lane() { return linear_thread % 32; }
inline int warp() { return linear_thread / 32; }

void run_grid(dim3 grid, dim3 block, size_t smem, const std::function<void()>& kernel);
unsigned char* dynamic_shared();  // 1024-byte aligned, filled with NaNs before each block

// Waiting. A block in which nobody can go on is reported with the places where its threads wait.
void yield(const char* where);
void made_progress();
template <typename Predicate>
void wait_until(const char* where, Predicate&& predicate) {
  while (!predicate()) yield(where);
  made_progress();
}

// Named barriers (bar.sync, bar.arrive); `threads` as in PTX. Barrier 0 without a count is __syncthreads.
void barrier_sync(int id, int threads);
void barrier_arrive(int id, int threads);
void sync_threads();

// All lanes of `mask` show `bytes` (<= kPayload) and then read each other's. The result is valid until the next two
// calls of the same mask; lanes outside the mask show nothing. Lanes that meet with different `what` are an error.
struct WarpView {
  const unsigned char* data;
  template <typename T>
  T at(int from) const {
    T value;
    std::memcpy(&value, data + static_cast<size_t>(from) * kPayload, sizeof(T));
    return value;
  }
};
WarpView warp_meet(const char* what, unsigned mask, const void* mine, size_t bytes);
template <typename T>
WarpView warp_read(const char* what, unsigned mask, const T& mine) {
  static_assert(sizeof(T) <= kPayload);
  return warp_meet(what, mask, &mine, sizeof(T));
}

// Asynchronous work. With EMULATE_ASYNC=late (the default) it happens as late as PTX allows, with =eager at once: a
// kernel must be right in both.
bool late();

// Of one thread, in groups, as cp.async and wgmma have them: queue 0 for cp.async, 1 for wgmma, 2 for bulk stores.
void enqueue(int queue, std::function<void()> work);
void commit_group(int queue);
void wait_groups(int queue, int may_remain);  // runs all committed groups but the last `may_remain`
void wait_all(int queue);                     // also what was not committed

// Of the block, as TMA loads have it: run by drain_block, which a wrapper calls when a wait on the mbarrier would not
// succeed yet.
void enqueue_block(const void* mbarrier, std::function<void()> work);
void drain_block(const void* mbarrier);
// The thread's work of `queue` so far becomes the block's, followed by `then`.
void hand_over(int queue, const void* mbarrier, std::function<void()> then);
uint64_t block_serial();  // another number for every block that runs

uint32_t shared_address(const void* pointer);  // what __cvta_generic_to_shared gives; 0 … 2^24
void* shared_pointer(uint32_t address);

}  // namespace minference::cuda::emulate

// ---- The language ----
#undef __shared__
#define __shared__ static
#ifndef __launch_bounds__
#define __launch_bounds__(...)
#endif
#ifndef __grid_constant__
#define __grid_constant__
#endif
#define threadIdx (::minference::cuda::emulate::position.thread)
#define blockIdx (::minference::cuda::emulate::position.block)
#define blockDim (::minference::cuda::emulate::position.block_dim)
#define gridDim (::minference::cuda::emulate::position.grid_dim)
#define warpSize 32

inline void __syncthreads() { ::minference::cuda::emulate::sync_threads(); }
inline int __syncthreads_or(int predicate) {
  static int any;
  __syncthreads();
  any = 0;
  __syncthreads();
  if (predicate) any = 1;
  __syncthreads();
  return any;
}
inline int __syncthreads_and(int predicate) { return !__syncthreads_or(!predicate); }
inline void __syncwarp(unsigned mask = 0xffffffffu) {
  ::minference::cuda::emulate::warp_meet("__syncwarp", mask, nullptr, 0);
}
inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __nanosleep(unsigned) { ::minference::cuda::emulate::yield("__nanosleep"); }
inline void __trap() { throw ::minference::cuda::CudaError("__trap"); }
inline size_t __cvta_generic_to_shared(const void* p) { return ::minference::cuda::emulate::shared_address(p); }

// Shuffles: the source is clamped to the segment of `width` lanes, as in CUDA.
template <typename T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
  const auto view = ::minference::cuda::emulate::warp_read("__shfl_sync", mask, value);
  const int lane = ::minference::cuda::emulate::lane();
  return view.template at<T>((lane & ~(width - 1)) | (source & (width - 1)));
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32) {
  const auto view = ::minference::cuda::emulate::warp_read("__shfl_xor_sync", mask, value);
  const int lane = ::minference::cuda::emulate::lane(), source = lane ^ bits;
  return view.template at<T>(source / width > lane / width ? lane : source);
}
template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  const auto view = ::minference::cuda::emulate::warp_read("__shfl_up_sync", mask, value);
  const int lane = ::minference::cuda::emulate::lane(), source = lane - static_cast<int>(delta);
  return view.template at<T>(source < (lane & ~(width - 1)) ? lane : source);
}
template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  const auto view = ::minference::cuda::emulate::warp_read("__shfl_down_sync", mask, value);
  const int lane = ::minference::cuda::emulate::lane(), source = lane + static_cast<int>(delta);
  return view.template at<T>(source > (lane | (width - 1)) ? lane : source);
}
inline unsigned __ballot_sync(unsigned mask, int predicate) {
  const auto view = ::minference::cuda::emulate::warp_read("__ballot_sync", mask, predicate);
  unsigned bits = 0;
  for (int i = 0; i < 32; ++i) {
    if (mask >> i & 1 && view.at<int>(i) != 0) bits |= 1u << i;
  }
  return bits;
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) == mask; }
template <typename T>
unsigned __match_any_sync(unsigned mask, T value) {
  const auto view = ::minference::cuda::emulate::warp_read("__match_any_sync", mask, value);
  unsigned bits = 0;
  for (int i = 0; i < 32; ++i) {
    if (mask >> i & 1 && view.template at<T>(i) == value) bits |= 1u << i;
  }
  return bits;
}
template <typename T>
T __reduce_add_sync(unsigned mask, T value) {
  const auto view = ::minference::cuda::emulate::warp_read("__reduce_add_sync", mask, value);
  T sum = 0;
  for (int i = 0; i < 32; ++i) {
    if (mask >> i & 1) sum += view.template at<T>(i);
  }
  return sum;
}
template <typename T>
T __reduce_max_sync(unsigned mask, T value) {
  const auto view = ::minference::cuda::emulate::warp_read("__reduce_max_sync", mask, value);
  T best = value;
  for (int i = 0; i < 32; ++i) {
    if (mask >> i & 1 && view.template at<T>(i) > best) best = view.template at<T>(i);
  }
  return best;
}

template <typename T>
T atomicAdd(T* address, std::type_identity_t<T> value) {
  return std::exchange(*address, *address + value);
}
template <typename T>
T atomicSub(T* address, std::type_identity_t<T> value) {
  return std::exchange(*address, *address - value);
}
template <typename T>
T atomicMax(T* address, std::type_identity_t<T> value) {
  return std::exchange(*address, *address < value ? value : *address);
}
template <typename T>
T atomicMin(T* address, std::type_identity_t<T> value) {
  return std::exchange(*address, value < *address ? value : *address);
}
template <typename T>
T atomicOr(T* address, std::type_identity_t<T> value) {
  return std::exchange(*address, *address | value);
}
template <typename T>
T atomicExch(T* address, std::type_identity_t<T> value) {
  return std::exchange(*address, value);
}
template <typename T>
T atomicCAS(T* address, std::type_identity_t<T> compare, std::type_identity_t<T> value) {
  return *address == compare ? std::exchange(*address, value) : *address;
}

template <typename T>
T __ldg(const T* address) {
  return *address;
}
template <typename T>
T __ldcg(const T* address) {
  return *address;
}
template <typename T>
T __ldcs(const T* address) {
  return *address;
}
template <typename T>
void __stcs(T* address, std::type_identity_t<T> value) {
  *address = value;
}
template <typename T>
void __stcg(T* address, std::type_identity_t<T> value) {
  *address = value;
}

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x)); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fmul_rn(float x, float y) { return x * y; }
inline float __fadd_rn(float x, float y) { return x + y; }
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float __log2f(float x) { return std::log2(x); }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline unsigned __umulhi(unsigned x, unsigned y) { return static_cast<unsigned>((uint64_t{x} * y) >> 32); }
template <typename T>
T min(T x, std::type_identity_t<T> y) {
  return y < x ? y : x;
}
template <typename T>
T max(T x, std::type_identity_t<T> y) {
  return x < y ? y : x;
}
inline float __saturatef(float x) { return x < 0 ? 0 : x > 1 ? 1 : x; }

namespace minference::cuda {

// What common/launch.cuh defines as kernel<<<grid, block, smem, stream>>>(arguments...): here it returns when all is
// done.
template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t smem, cudaStream_t, Arguments&&... arguments) {
  emulate::run_grid(grid, block, smem, [&] { kernel(static_cast<Parameters>(arguments)...); });
}

// The block's dynamic shared memory, 1024-byte aligned.
inline unsigned char* dynamic_shared() { return emulate::dynamic_shared(); }

}  // namespace minference::cuda
