// One call of attention: its operands on the host and on the device, and what the reference says to it.
#pragma once

#include <string>
#include <vector>

#include "memory.h"
#include "minference/cuda.h"
#include "report.h"
#include "values.h"

namespace minference::cuda::check_kernels {

// An element of an operand that is not what the seed says.
struct Poison {
  char operand;  // q, k or v
  int64_t row;   // of q: the call's; of k and v: the position
  int64_t head;
  int64_t element;
  float value;
};

struct AttentionCase {
  std::string name;
  int64_t rows;
  std::vector<int32_t> past{0};  // per batch entry
  std::vector<int32_t> lengths;  // per batch entry; empty: all rows
  int64_t heads = 4, kv_heads = 2, head_dim = 64;
  std::vector<HeadPattern> patterns{};  // repeated over the heads; empty: dense
  float softcap = 0;
  float scale = 0;  // 0: 1 / sqrt(head_dim)
  int64_t window = -1;
  bool sinks = false;
  bool packed = false;  // strides of queries within packed QKV
  int64_t spare_rows = 0;
  int64_t sampled_blocks = 0;    // row blocks that are compared, evenly spread; 0: all
  std::vector<Poison> poison{};  // of the first batch entry
  std::vector<HeadIndex> indices{};

  bool has_explicit() const { return !indices.empty(); }
};

constexpr HeadPattern kDensePattern{0, 0, 0, kNoFallback};
constexpr HeadPattern a_shape(int32_t sink, int32_t window) { return {1, sink, window, kNoFallback}; }
constexpr HeadPattern vertical_slash(int32_t columns, int32_t slashes) { return {2, columns, slashes, kNoFallback}; }
constexpr HeadPattern block_sparse(int32_t blocks) { return {3, blocks, 0, kNoFallback}; }
constexpr HeadPattern explicit_index(int32_t which) { return {4, which, 0, kNoFallback}; }

// Operands of a case; the params point into it.
class AttentionOperands {
 public:
  AttentionOperands(const AttentionCase& c, DataType dtype);

  const AttentionParams& host() const { return host_; }      // float32, for the reference
  const AttentionParams& device() const { return device_; }  // output and LSE are poisoned
  DeviceMemory& memory() { return memory_; }

 private:
  std::vector<int32_t> past_, lengths_;
  std::vector<HeadPattern> patterns_;
  std::vector<float> sinks_;
  Operand q_, k_, v_;
  DeviceMemory memory_;
  AttentionParams host_{}, device_{};
};

// Compares output and LSE of the device with the reference, at the rounding of `geometry`.
std::string compare_with_reference(const AttentionCase& c, const AttentionOperands& operands,
                                   const KernelGeometry& geometry, DataType dtype, std::string& note);

}  // namespace minference::cuda::check_kernels
