// ptx/cp_async.cuh on the CPU.
#pragma once

#include <cstdint>

#include "../cuda_on_cpu.h"

namespace minference::cuda::ptx {

inline void cp_async_16(void* shared, const void* global, bool valid) {
  if (reinterpret_cast<uintptr_t>(shared) % 16 != 0 || (valid && reinterpret_cast<uintptr_t>(global) % 16 != 0)) {
    throw CudaError("cp.async: misaligned address");
  }
  emulate::enqueue(0, [=] {
    if (valid) {
      std::memcpy(shared, global, 16);
    } else {
      std::memset(shared, 0, 16);
    }
  });
}
inline void cp_async_commit() { emulate::commit_group(0); }
template <int kMayRemain>
inline void cp_async_wait() {
  emulate::wait_groups(0, kMayRemain);
}

}  // namespace minference::cuda::ptx
