#include "timer.h"

#include <algorithm>
#include <vector>

#include "../common/check.h"

namespace minference::cuda::bench {
namespace {

constexpr size_t kFlush = size_t{256} << 20;  // several times the L2
constexpr int kWarmUps = 2;

}  // namespace

Timer::Timer(cudaStream_t stream, int runs) : stream_(stream), runs_(runs) {
  check(cudaMalloc(&flushed_, kFlush), "allocating what flushes the L2");
  check(cudaEventCreate(&begin_), "creating an event");
  check(cudaEventCreate(&end_), "creating an event");
}

Timer::~Timer() {
  cudaEventDestroy(begin_);
  cudaEventDestroy(end_);
  cudaFree(flushed_);
}

double Timer::run_once(const std::function<void()>& work, const std::function<void()>& before) {
  before();
  check(cudaMemsetAsync(flushed_, ++rounds_ & 0xff, kFlush, stream_), "flushing the L2");
  check(cudaEventRecord(begin_, stream_), "recording an event");
  work();
  check(cudaEventRecord(end_, stream_), "recording an event");
  check(cudaEventSynchronize(end_), "the timed work");
  float milliseconds = 0;
  check(cudaEventElapsedTime(&milliseconds, begin_, end_), "reading a time");
  return static_cast<double>(milliseconds);
}

Time Timer::measure(const std::function<void()>& work, const std::function<void()>& before) {
  for (int i = 0; i < kWarmUps; ++i) run_once(work, before);
  std::vector<double> times;
  for (int i = 0; i < runs_; ++i) times.push_back(run_once(work, before));
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times.front(), times.back(), runs_};
}

}  // namespace minference::cuda::bench
