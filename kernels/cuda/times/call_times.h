// Device time of calls that nobody waits for: events on the stream, read once the device has passed them.
#pragma once

#include <cuda_runtime_api.h>

#include <memory>

#include "../device_plan.h"
#include "minference/counters.h"

namespace minference::cuda {

// Marks points of one call on its stream. Its time is in its session's counters after the first collect_times()
// (minference/cuda.h) that finds it over.
class CallTimes {
 public:
  CallTimes(cudaStream_t stream, std::shared_ptr<Counters> counters);
  ~CallTimes();  // the call's end
  CallTimes(const CallTimes&) = delete;
  CallTimes& operator=(const CallTimes&) = delete;

  void index_begins();
  void index_ends();
  // Of these plans, in device memory, the tiles are counted, beside those that dense attention would compute.
  void keep_plans(const DevicePlan* plans, int64_t count, int64_t dense_tiles);

  struct Events {
    cudaEvent_t begin, index_begin, index_end, end;
    int device;  // whose streams can record them
    bool has_index;
    DevicePlan* plans;  // pinned host memory, room for plans_room
    int64_t plans_room, plans_count, dense_tiles;
    std::shared_ptr<Counters> counters;
  };

 private:
  cudaStream_t stream_;
  Events events_;
};

}  // namespace minference::cuda
