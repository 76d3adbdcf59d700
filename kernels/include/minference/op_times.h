// What the attention ops of this process have done so far, for reports of where a prefill's time goes and how far it
// is.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace minference {

struct OpTimes {
  std::atomic<int64_t> index_ns{0};  // building sparse indices; part of total_ns
  std::atomic<int64_t> total_ns{0};  // rotary embedding, cache write, index and attention
  std::atomic<int64_t> calls{0};     // finished calls of SparseAttention and AttentionProbe
};

// One per library; never destroyed.
OpTimes& op_times();

// Adds the time of its own life to a counter.
class ScopedTime {
 public:
  explicit ScopedTime(std::atomic<int64_t>& counter) : counter_(counter) {}
  ~ScopedTime() {
    const auto elapsed = std::chrono::steady_clock::now() - start_;
    counter_ += std::chrono::duration_cast<std::chrono::nanoseconds>(elapsed).count();
  }
  ScopedTime(const ScopedTime&) = delete;
  ScopedTime& operator=(const ScopedTime&) = delete;

 private:
  std::atomic<int64_t>& counter_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace minference
