// One layer's projections, its cache, and what the kernels make of them.
#pragma once

#include <vector>

#include "../common/check.h"
#include "minference/cuda.h"

namespace minference::cuda::bench {

struct Shape {
  int64_t tokens, heads, kv_heads, head_dim;
  int64_t rows = 0;  // new ones; 0: all tokens
};

class DeviceBlock {
 public:
  explicit DeviceBlock(size_t bytes) { check(cudaMalloc(&memory_, bytes), "allocating operands"); }
  ~DeviceBlock() { cudaFree(memory_); }
  DeviceBlock(const DeviceBlock&) = delete;
  DeviceBlock& operator=(const DeviceBlock&) = delete;
  void* get() const { return memory_; }

 private:
  void* memory_ = nullptr;
};

class Operands {
 public:
  Operands(const Shape& shape, DataType dtype, cudaStream_t stream);

  // Projections before rotary embedding, [rows, heads, head_dim].
  void* q() const { return q_.get(); }
  void* k() const { return k_.get(); }

  const RopeCacheParams& rope() const { return rope_; }
  const AttentionParams& attention() const { return attention_; }  // over what rope() writes; all heads dense
  AttentionParams attention(const std::vector<HeadPattern>& patterns) const;

 private:
  int32_t past_, rows_;
  DeviceBlock q_, k_, v_, rotated_, keys_, values_, cos_, sin_, out_;
  std::vector<HeadPattern> dense_;
  RopeCacheParams rope_{};
  AttentionParams attention_{};
};

}  // namespace minference::cuda::bench
