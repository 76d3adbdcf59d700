#include "call_times.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <vector>

#include "../common/check.h"
#include "minference/cuda.h"

namespace minference::cuda {
namespace {

// Calls whose times nobody asked for; beyond that the oldest are forgotten.
constexpr size_t kMostPending = 4096;

// Never destroyed: threads of ONNX Runtime may outlive main().
struct Ledger {
  std::mutex mutex;
  std::deque<CallTimes::Events> pending;  // in the order of their ends
  std::vector<CallTimes::Events> spare;
};

Ledger& ledger() {
  static Ledger* ledger = new Ledger;
  return *ledger;
}

// Of the current device.
CallTimes::Events take_events() {
  Ledger& all = ledger();
  CallTimes::Events events{};
  check(cudaGetDevice(&events.device), "asking for the device");
  {
    const std::lock_guard lock(all.mutex);
    const auto found = std::find_if(all.spare.begin(), all.spare.end(),
                                    [&](const CallTimes::Events& spare) { return spare.device == events.device; });
    if (found != all.spare.end()) {
      events = *found;
      *found = all.spare.back();
      all.spare.pop_back();
      return events;
    }
  }
  for (cudaEvent_t* event : {&events.begin, &events.index_begin, &events.index_end, &events.end}) {
    check(cudaEventCreate(event), "creating an event");
  }
  return events;
}

int64_t nanoseconds(cudaEvent_t begin, cudaEvent_t end) {
  float milliseconds = 0;
  check(cudaEventElapsedTime(&milliseconds, begin, end), "reading a time");
  return static_cast<int64_t>(1e6 * static_cast<double>(milliseconds));
}

}  // namespace

CallTimes::CallTimes(cudaStream_t stream, std::shared_ptr<Counters> counters)
    : stream_(stream), events_(take_events()) {
  events_.has_index = false;
  events_.plans_count = events_.dense_tiles = 0;
  events_.counters = std::move(counters);
  check(cudaEventRecord(events_.begin, stream_), "recording an event");
}

CallTimes::~CallTimes() {
  const bool recorded = cudaEventRecord(events_.end, stream_) == cudaSuccess;
  Ledger& all = ledger();
  const std::lock_guard lock(all.mutex);
  if (recorded) {
    all.pending.push_back(events_);
  } else {  // the device is lost; whoever waits for it will be told
    all.spare.push_back(events_);
  }
  if (all.pending.size() <= kMostPending) return;
  all.pending.front().counters = nullptr;
  all.spare.push_back(std::move(all.pending.front()));
  all.pending.pop_front();
}

void CallTimes::index_begins() { check(cudaEventRecord(events_.index_begin, stream_), "recording an event"); }

void CallTimes::index_ends() {
  check(cudaEventRecord(events_.index_end, stream_), "recording an event");
  events_.has_index = true;
}

void CallTimes::keep_plans(const DevicePlan* plans, int64_t count, int64_t dense_tiles) {
  if (events_.plans_room < count) {
    if (events_.plans != nullptr) check(cudaFreeHost(events_.plans), "freeing host memory");
    events_.plans = nullptr;
    events_.plans_room = 0;
    check(cudaMallocHost(reinterpret_cast<void**>(&events_.plans), count * sizeof(DevicePlan)),
          "allocating host memory");
    events_.plans_room = count;
  }
  check(cudaMemcpyAsync(events_.plans, plans, count * sizeof(DevicePlan), cudaMemcpyDeviceToHost, stream_),
        "reading the plans");
  events_.plans_count = count;
  events_.dense_tiles = dense_tiles;
}

void collect_times() {
  Ledger& all = ledger();
  const std::lock_guard lock(all.mutex);
  while (!all.pending.empty()) {
    const cudaError_t state = cudaEventQuery(all.pending.front().end);
    if (state == cudaErrorNotReady) return;
    check(state, "asking for an event");
    CallTimes::Events events = std::move(all.pending.front());
    all.pending.pop_front();
    const std::shared_ptr<Counters> counters = std::move(events.counters);
    all.spare.push_back(events);
    if (events.has_index) counters->index_ns += nanoseconds(events.index_begin, events.index_end);
    counters->total_ns += nanoseconds(events.begin, events.end);
    for (int64_t i = 0; i < events.plans_count; ++i) counters->tiles += events.plans[i].tiles;
    counters->dense_tiles += events.dense_tiles;
    ++counters->calls;
  }
}

}  // namespace minference::cuda
