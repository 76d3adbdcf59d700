#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace minference::cpu {

// Uninitialised memory on a cache-line boundary.
template <class T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(int64_t count) {
    const size_t bytes = (static_cast<size_t>(count) * sizeof(T) + kAlignment) / kAlignment * kAlignment;
    data_.reset(static_cast<T*>(std::aligned_alloc(kAlignment, bytes)));
    if (data_ == nullptr) throw std::bad_alloc();
  }
  T* data() const { return data_.get(); }

 private:
  static constexpr size_t kAlignment = 64;
  struct Free {
    void operator()(T* data) const { std::free(data); }
  };
  std::unique_ptr<T, Free> data_;
};

}  // namespace minference::cpu
