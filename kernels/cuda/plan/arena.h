// One allocation that holds many arrays: their sizes are added first, then they are placed.
#pragma once

#include <cstddef>
#include <vector>

#include "minference/cuda.h"

namespace minference::cuda {

class Arena {
 public:
  // `pointer` will point to `count` elements once allocate() is done.
  template <typename T>
  void add(T*& pointer, size_t count) {
    entries_.push_back({reinterpret_cast<void**>(&pointer), bytes_});
    bytes_ += (count * sizeof(T) + 255) / 256 * 256;
  }
  void allocate(const Context& context) {
    auto* base = static_cast<unsigned char*>(context.allocate(bytes_ == 0 ? 256 : bytes_));
    for (const Entry& entry : entries_) *entry.pointer = base + entry.offset;
  }

 private:
  struct Entry {
    void** pointer;
    size_t offset;
  };
  std::vector<Entry> entries_;
  size_t bytes_ = 0;
};

}  // namespace minference::cuda
