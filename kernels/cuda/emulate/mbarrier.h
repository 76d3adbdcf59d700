// mbarrier objects as PTX describes them; their state lies where the kernel put them.
#pragma once

#include <bit>
#include <set>
#include <string>

#include "cuda_on_cpu.h"

namespace minference::cuda::emulate {

struct MbarrierState {
  uint64_t pending : 20;  // arrivals that this phase still needs
  uint64_t count : 20;
  int64_t bytes : 22;  // announced and not yet here; copies may come before their announcement
  uint64_t unset : 1;  // as in memory that nobody has initialised
  uint64_t phase : 1;
};

class Mbarrier {
 public:
  Mbarrier(uint64_t* memory, const char* what) : memory_(memory), state_(std::bit_cast<MbarrierState>(*memory)) {
    if (reinterpret_cast<uintptr_t>(memory) % 8 != 0) throw CudaError(std::string(what) + ": misaligned mbarrier");
    if (state_.unset || state_.count == 0) throw CudaError(std::string(what) + ": the mbarrier is not initialised");
  }

  void arrive(uint32_t count) {
    if (count == 0 || count > state_.pending) throw CudaError("mbarrier: more arrivals than its phase expects");
    state_.pending -= count;
    store();
  }
  void add_bytes(int64_t bytes) {
    constexpr int64_t kMost = (1 << 20) - 1;
    const int64_t sum = state_.bytes + bytes;
    if (sum > kMost || sum < -kMost) throw CudaError("mbarrier: more than 2^20 - 1 bytes under way");
    state_.bytes = sum;
    store();
  }

  bool is_complete(uint32_t parity) const { return state_.phase != parity; }

  // Lives on, so that a thread can name it as the place where it waits.
  const char* text(uint32_t parity) const {
    static std::set<std::string> texts;
    return texts
        .insert("mbarrier at +" + std::to_string(reinterpret_cast<unsigned char*>(memory_) - dynamic_shared()) +
                ", waiting for parity " + std::to_string(parity) + ": " + std::to_string(state_.pending) + " of " +
                std::to_string(state_.count) + " arrivals and " + std::to_string(static_cast<int64_t>(state_.bytes)) +
                " bytes to come in phase " + std::to_string(state_.phase))
        .first->c_str();
  }

 private:
  void store() {
    if (state_.pending == 0 && state_.bytes == 0) {
      state_.pending = state_.count;
      state_.phase ^= 1;
      made_progress();
    }
    *memory_ = std::bit_cast<uint64_t>(state_);
  }

  uint64_t* memory_;
  MbarrierState state_;
};

inline void mbarrier_init(uint64_t* memory, uint32_t count) {
  if (count == 0 || count >= 1 << 20) throw CudaError("mbarrier.init: the count is 1 … 2^20 - 1");
  const MbarrierState state{.pending = count, .count = count, .bytes = 0, .unset = 0, .phase = 0};
  *memory = std::bit_cast<uint64_t>(state);
}
inline void mbarrier_arrive(uint64_t* memory, uint32_t count) { Mbarrier(memory, "arrive").arrive(count); }
inline void mbarrier_expect(uint64_t* memory, uint32_t bytes) { Mbarrier(memory, "expect_tx").add_bytes(bytes); }
inline void mbarrier_complete(uint64_t* memory, uint32_t bytes) {
  Mbarrier(memory, "complete_tx").add_bytes(-static_cast<int64_t>(bytes));
}
inline bool mbarrier_test(uint64_t* memory, uint32_t parity) { return Mbarrier(memory, "test").is_complete(parity); }
inline void mbarrier_wait(uint64_t* memory, uint32_t parity) {
  if (parity > 1) throw CudaError("mbarrier: the parity is 0 or 1");
  for (;;) {
    const Mbarrier now(memory, "wait");
    if (now.is_complete(parity)) break;
    drain_block(memory);
    const Mbarrier drained(memory, "wait");
    if (drained.is_complete(parity)) break;
    yield(drained.text(parity));
  }
  made_progress();
}

}  // namespace minference::cuda::emulate
