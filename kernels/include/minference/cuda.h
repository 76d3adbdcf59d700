// Entry points of the CUDA kernels. Pointers in the params are device memory, except those that params.h calls host
// arrays; everything is enqueued on the context's stream and nothing waits for the device, except the probe, which
// times itself. All throw std::invalid_argument for parameters outside the contract and CudaError when a call fails.
#pragma once

#include <cuda_runtime_api.h>

#include <functional>
#include <stdexcept>

#include "minference/params.h"

namespace minference::cuda {

class CudaError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class CallTimes;

// What the execution provider lends to one call.
struct Context {
  cudaStream_t stream;
  // Uninitialised device memory that lives until the call's work on `stream` is done; 256-byte aligned.
  std::function<void*(size_t bytes)> allocate;
  CallTimes* times = nullptr;  // where building the index is told, if somebody times the call
  // Every lane arrives at the mbarriers of its warp, not one for all: slower, for compute-sanitizer's racecheck, which
  // does not follow one lane's arrival after __syncwarp.
  bool every_lane_arrives = false;
};

// The tile that the kernel for this head size computes on the current device. A call with explicit heads takes the
// kernels that gather columns row block by row block, on every device.
KernelGeometry attention_geometry(int64_t head_dim, bool has_explicit = false);

// Rotary embedding and cache write in one launch (`params.head_sink` and cos/sin caches are device memory here).
void rope_and_cache(const RopeCacheParams& params, const Context& context);

// Adds to their sessions' counters the calls that the device has finished since the last time; waits for none.
void collect_times();

// Index and attention of all heads. float16 and bfloat16. Heads whose pattern would cost as much as dense are dense.
void attention(const AttentionParams& params, const Context& context);

// Dense attention, then every candidate against it.
void probe(const ProbeParams& params, const Context& context);

}  // namespace minference::cuda
