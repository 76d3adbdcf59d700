// Device time of calls that nobody waits for: events on the stream, read once the device has passed them.
#pragma once

#include <cuda_runtime_api.h>

namespace minference::cuda {

// Marks points of one call on its stream. Its time is in op_times() after the first collect_times() (minference/cuda.h)
// that finds it over.
class CallTimes {
 public:
  explicit CallTimes(cudaStream_t stream);
  ~CallTimes();  // the call's end
  CallTimes(const CallTimes&) = delete;
  CallTimes& operator=(const CallTimes&) = delete;

  void index_begins();
  void index_ends();

  struct Events {
    cudaEvent_t begin, index_begin, index_end, end;
    int device;  // whose streams can record them
    bool has_index;
  };

 private:
  cudaStream_t stream_;
  Events events_;
};

}  // namespace minference::cuda
