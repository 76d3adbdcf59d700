// wgmma as PTX describes it. A product is the warpgroup's: its operands in shared memory are read once, when the first
// of its threads waits for it (with EMULATE_ASYNC=eager: when all threads have issued it). Until a thread waits, its
// accumulators hold NaNs. Reported: warps that issue different products, descriptors that mean something else,
// accumulators or A registers that change under way, a missing wgmma_fence.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "../../common/dtype.cuh"
#include "../../ptx/descriptor.cuh"
#include "../cuda_on_cpu.h"

namespace minference::cuda::emulate {

constexpr int kWarpgroup = 128;
constexpr uint32_t kUnderWay = 0x7fa5ca1e;  // a NaN

struct Product {
  int n;
  bool is_bfloat, a_in_registers, accumulate;
  uint64_t a_descriptor, b_descriptor;
  int issued = 0;
  bool is_read = false;
  std::vector<float> a = {}, b = {};  // [64][16], [16][n]

  bool same(const Product& other) const {
    return n == other.n && is_bfloat == other.is_bfloat && a_in_registers == other.a_in_registers &&
           accumulate == other.accumulate && a_descriptor == other.a_descriptor && b_descriptor == other.b_descriptor;
  }
};

struct Accumulator {
  std::vector<float> values;
  int under_way = 0;
};

struct WgmmaThread {
  size_t next = 0;
  bool fenced = false;
  std::map<float*, Accumulator> accumulators;
};

struct Warpgroup {
  std::deque<std::shared_ptr<Product>> products;  // not yet issued by all threads
  size_t first = 0;                               // number of the front
  std::array<WgmmaThread, kWarpgroup> threads;
};

inline Warpgroup& warpgroup() {
  static std::map<int, Warpgroup> warpgroups;
  static uint64_t serial = 0;
  if (serial != block_serial()) {
    warpgroups.clear();
    serial = block_serial();
  }
  return warpgroups[linear_thread / kWarpgroup];
}
inline WgmmaThread& wgmma_thread() { return warpgroup().threads[linear_thread % kWarpgroup]; }

// An element at byte `offset` of an operand, before the swizzle.
template <typename T>
float operand_element(uint64_t descriptor, uint32_t offset) {
  const uint32_t linear = static_cast<uint32_t>(descriptor & 0x3fff) * 16 + offset;
  T value;
  std::memcpy(&value, shared_pointer(linear ^ (linear >> 7 & 7) << 4), sizeof(T));
  return to_float(value);
}
inline uint32_t leading_offset(uint64_t descriptor) { return static_cast<uint32_t>(descriptor >> 16 & 0x3fff) * 16; }
inline uint32_t stride_offset(uint64_t descriptor) { return static_cast<uint32_t>(descriptor >> 32 & 0x3fff) * 16; }

inline void check_descriptor(uint64_t descriptor) {
  if (descriptor >> 62 != 1) throw CudaError("wgmma: the descriptor does not say 128-byte swizzle");
  if ((descriptor >> 49 & 7) != 0 || (descriptor & 0x3fff) * 16 % 1024 >= 128) {
    throw CudaError("wgmma: a 128-byte swizzle that does not begin at a multiple of 1024 bytes");
  }
  if ((descriptor & 0x3ff1c000c000c000) != 0) throw CudaError("wgmma: the descriptor sets bits that have no meaning");
}

template <typename T>
float k_major_element(uint64_t descriptor, int row, int k) {
  return operand_element<T>(descriptor, row / 8 * stride_offset(descriptor) + row % 8 * 128 + k * sizeof(T));
}
template <typename T>
float mn_major_element(uint64_t descriptor, int k, int column) {
  return operand_element<T>(descriptor, column / 64 * leading_offset(descriptor) + column % 64 * sizeof(T) +
                                            k / 8 * stride_offset(descriptor) + k % 8 * 128);
}

template <typename T>
void read_operands(Product& product) {
  for (int i = 0; i < 64 * 16 && !product.a_in_registers; ++i) {
    product.a[i] = k_major_element<T>(product.a_descriptor, i / 16, i % 16);
  }
  for (int k = 0; k < 16; ++k) {
    for (int j = 0; j < product.n; ++j) {
      product.b[k * product.n + j] = product.a_in_registers ? mn_major_element<T>(product.b_descriptor, k, j)
                                                            : k_major_element<T>(product.b_descriptor, j, k);
    }
  }
  product.is_read = true;
}

// This thread takes part in the warpgroup's next product.
inline std::shared_ptr<Product> join(const Product& mine) {
  Warpgroup& group = warpgroup();
  const size_t number = wgmma_thread().next++ - group.first;
  if (number == group.products.size()) {
    group.products.push_back(std::make_shared<Product>(mine));
    group.products.back()->a.resize(64 * 16);
    group.products.back()->b.resize(16 * mine.n);
  }
  std::shared_ptr<Product> product = group.products[number];
  if (!product->same(mine)) throw CudaError("wgmma: the threads of a warpgroup issue different products");
  return product;
}

inline void count_issued(Product& product) {
  if (++product.issued < kWarpgroup) return;
  Warpgroup& group = warpgroup();
  while (!group.products.empty() && group.products.front()->issued == kWarpgroup) {
    group.products.pop_front();
    ++group.first;
  }
  made_progress();
}

inline void multiply(const Product& product, std::vector<float>& values) {
  const int warp_row = linear_thread % kWarpgroup / 32 * 16, g = lane() / 4, t = lane() % 4;
  for (int i = 0; i < product.n / 2; ++i) {
    const int row = warp_row + g + 8 * (i / 2 % 2), column = 8 * (i / 4) + 2 * t + i % 2;
    double sum = product.accumulate ? values[i] : 0.0;
    for (int k = 0; k < 16; ++k) sum += double{product.a[row * 16 + k]} * product.b[k * product.n + column];
    values[i] = static_cast<float>(sum);
  }
}

// The accumulators are taken away until the last product of a chain is done.
inline void take(float* d, int count) {
  WgmmaThread& self = wgmma_thread();
  Accumulator& accumulator = self.accumulators[d];
  if (accumulator.under_way++ == 0) {
    if (!self.fenced) throw CudaError("wgmma: no wgmma_fence since the last wait");
    accumulator.values.assign(d, d + count);
    std::fill(d, d + count, std::bit_cast<float>(kUnderWay));
  } else if (accumulator.values.size() != static_cast<size_t>(count)) {
    throw CudaError("wgmma: an accumulator under way in two shapes");
  }
}
inline void give(float* d, const Product& product) {
  auto& accumulators = wgmma_thread().accumulators;
  Accumulator& accumulator = accumulators[d];
  for (size_t i = 0; i < accumulator.values.size(); ++i) {
    if (std::bit_cast<uint32_t>(d[i]) != kUnderWay) throw CudaError("wgmma: an accumulator was written under way");
  }
  multiply(product, accumulator.values);
  if (--accumulator.under_way > 0) return;
  std::copy(accumulator.values.begin(), accumulator.values.end(), d);
  accumulators.erase(d);
}

template <typename T>
void wgmma_issue(float* d, const uint32_t* a, const Product& mine) {
  if (!mine.a_in_registers) check_descriptor(mine.a_descriptor);
  check_descriptor(mine.b_descriptor);
  const std::shared_ptr<Product> product = join(mine);
  std::array<uint32_t, 4> a_then{};
  if (a != nullptr) {
    std::copy(a, a + 4, a_then.begin());
    const int first_row = linear_thread % kWarpgroup / 32 * 16 + lane() / 4;
    for (int i = 0; i < 8; ++i) {
      const int row = first_row + 8 * (i / 2 % 2), k = lane() % 4 * 2 + 8 * (i / 4) + i % 2;
      T value;
      std::memcpy(&value, reinterpret_cast<const unsigned char*>(a) + i * sizeof(T), sizeof(T));
      product->a[row * 16 + k] = to_float(value);
    }
  }
  take(d, mine.n / 2);
  count_issued(*product);
  enqueue(1, [=] {
    wait_until("wgmma, for the other warps of the warpgroup", [&] { return product->issued == kWarpgroup; });
    if (!product->is_read) read_operands<T>(*product);
    if (a != nullptr && !std::equal(a_then.begin(), a_then.end(), a)) {
      throw CudaError("wgmma: registers of A changed under way");
    }
    give(d, *product);
  });
}

}  // namespace minference::cuda::emulate

namespace minference::cuda::ptx {

inline void wgmma_fence() { emulate::wgmma_thread().fenced = true; }
inline void wgmma_commit() { emulate::commit_group(1); }
template <int kMayRemain>
inline void wgmma_wait() {
  emulate::wait_groups(1, kMayRemain);
  emulate::wgmma_thread().fenced = false;
}
template <typename T, int kCount>
inline void wgmma_hold(T (&)[kCount]) {}

template <typename T, int N>
inline void wgmma_ss(float (&d)[N / 2], Descriptor a, Descriptor b, bool accumulate) {
  emulate::wgmma_issue<T>(d, nullptr,
                          {.n = N,
                           .is_bfloat = std::is_same_v<T, __nv_bfloat16>,
                           .a_in_registers = false,
                           .accumulate = accumulate,
                           .a_descriptor = a.bits(),
                           .b_descriptor = b.bits()});
}
template <typename T, int N>
inline void wgmma_rs(float (&d)[N / 2], const uint32_t (&a)[4], Descriptor b, bool accumulate = true) {
  emulate::wgmma_issue<T>(d, a,
                          {.n = N,
                           .is_bfloat = std::is_same_v<T, __nv_bfloat16>,
                           .a_in_registers = true,
                           .accumulate = accumulate,
                           .a_descriptor = 0,
                           .b_descriptor = b.bits()});
}

}  // namespace minference::cuda::ptx
