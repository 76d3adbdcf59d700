// What the attention ops of one session have done so far, for reports of where a prefill's time goes, how far it is and
// what it computed.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace minference {

struct Counters {
  std::atomic<int64_t> index_ns{0};     // building sparse indices; part of total_ns
  std::atomic<int64_t> total_ns{0};     // rotary embedding, cache write, index and attention
  std::atomic<int64_t> calls{0};        // finished calls of SparseAttention and AttentionProbe
  std::atomic<int64_t> tiles{0};        // computed by SparseAttention, calls of single rows left out
  std::atomic<int64_t> dense_tiles{0};  // that dense attention would have computed in the same calls
};

// Adds the time of its own life to a counter, if there is one.
class ScopedTime {
 public:
  explicit ScopedTime(std::atomic<int64_t>* counter) : counter_(counter) {}
  ~ScopedTime() {
    if (counter_ == nullptr) return;
    const auto elapsed = std::chrono::steady_clock::now() - start_;
    *counter_ += std::chrono::duration_cast<std::chrono::nanoseconds>(elapsed).count();
  }
  ScopedTime(const ScopedTime&) = delete;
  ScopedTime& operator=(const ScopedTime&) = delete;

 private:
  std::atomic<int64_t>* counter_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace minference
