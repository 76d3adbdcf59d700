// The wrappers of ../ptx against plain loops: S = Q·Kᵀ and O = Σ (S / 8)·V over tiles of keys that come by TMA, also
// from outside of the tensor, and one that is gathered by cp.async; a producer warp and a consumer warpgroup.
#include <algorithm>

#include "../common/dtype.cuh"
#include "common/launch.cuh"
#include "memory.h"
#include "ptx/cp_async.cuh"
#include "ptx/fence.cuh"
#include "ptx/math.cuh"
#include "ptx/named_barrier.cuh"
#include "ptx/registers.cuh"
#include "ptx/stmatrix.cuh"
#include "ptx/tma.cuh"
#include "ptx/wgmma.cuh"
#include "report.h"
#include "values.h"

namespace minference::cuda::check_kernels {
namespace {

constexpr int kRows = 100, kSpareRows = 3, kHeads = 2, kBatch = 2, kQueryStart = 30;
constexpr int kTiles = 5, kGathered = 1, kStages = 2, kThreads = 256;
constexpr float kScale = 0.125f;

// First row of a tile: before the tensor, (gathered), across its end, inside, behind it.
__host__ __device__ constexpr int first_row(int tile) {
  return tile == 0 ? -5 : tile == 2 ? kRows - 7 : tile == 3 ? 9 : kRows;
}
__host__ __device__ constexpr int gathered_row(int i) { return (i * 37 + 11) % kRows; }

__host__ __device__ constexpr int stride(int head_dim) { return head_dim + 8; }

template <int kKeys, int kHeadDim>
struct Layout {
  static constexpr int kParts = kHeadDim / 64;  // of 128 bytes per row
  static constexpr int kQuery = 64 * kHeadDim * 2, kTile = kKeys * kHeadDim * 2;
  static constexpr int kBarriers = kQuery + 2 * kStages * kTile, kBytes = kBarriers + 128;
};

struct Barriers {
  ptx::Barrier query, keys[kStages], values[kStages], empty[kStages];
};

template <typename T, int kKeys, int kHeadDim>
__device__ void produce(const ptx::TensorMap* map, const T* rows, unsigned char* tile, ptx::Barrier* barrier,
                        int index) {
  const int lane = threadIdx.x % 32;
  if (index == kGathered) {
    for (int i = lane; i < kKeys * kHeadDim / 8; i += 32) {
      const int row = i / (kHeadDim / 8), piece = i % (kHeadDim / 8);
      unsigned char* to = tile + (piece / 8 * kKeys + row) * 128 + (piece % 8 ^ row % 8) * 16;
      // Every fifth row is left out: zeros.
      ptx::cp_async_16(to, rows + gathered_row(row) * stride(kHeadDim) + piece * 8, row % 5 != 4);
    }
    ptx::barrier_arrive_after_copies(barrier);
  } else if (lane == 0) {
    ptx::barrier_expect(barrier, kKeys * kHeadDim * 2);
    for (int part = 0; part < kHeadDim / 64; ++part) {
      ptx::tma_load_4d(tile + part * kKeys * 128, map, barrier, part * 64, first_row(index), blockIdx.x, blockIdx.y,
                       ptx::policy_evict_last());
    }
  } else {
    ptx::barrier_arrive(barrier);
  }
}

template <typename T, int kKeys, int kHeadDim>
__device__ void consume(unsigned char* shared, Barriers& barriers, float* scores, float* out) {
  using L = Layout<kKeys, kHeadDim>;
  const int thread = threadIdx.x % 128, row = thread / 32 * 16 + thread % 32 / 4, column = thread % 4 * 2;
  float o[kHeadDim / 2];
  ptx::barrier_wait(&barriers.query, 0);
  for (int tile = 0; tile < kTiles; ++tile) {
    const int stage = tile % kStages;
    const uint32_t parity = tile / kStages % 2;
    unsigned char* keys = shared + L::kQuery + 2 * stage * L::kTile;
    float s[kKeys / 2];
    ptx::barrier_wait(&barriers.keys[stage], parity);
    ptx::fence_async_proxy();
    ptx::wgmma_hold(s);
    ptx::wgmma_fence();
    for (int k = 0; k < kHeadDim / 16; ++k) {
      const ptx::Descriptor a = ptx::descriptor_k_major(shared + k / 4 * 64 * 128).after(k % 4 * 32);
      const ptx::Descriptor b = ptx::descriptor_k_major(keys + k / 4 * kKeys * 128).after(k % 4 * 32);
      ptx::wgmma_ss<T, kKeys>(s, a, b, k > 0);
    }
    ptx::wgmma_commit();
    ptx::wgmma_wait<0>();
    ptx::wgmma_hold(s);
    float* to = scores + tile * 64 * kKeys;
    uint32_t p[kKeys / 16][4];
#pragma unroll
    for (int i = 0; i < kKeys / 2; i += 2) {
      float* at = to + (row + i / 2 % 2 * 8) * kKeys + i / 4 * 8 + column;
      at[0] = s[i];
      at[1] = s[i + 1];
      p[i / 8][i / 2 % 4] = ptx::pack2<T>(s[i] * kScale, s[i + 1] * kScale);
    }
    ptx::barrier_wait(&barriers.values[stage], parity);
    ptx::fence_async_proxy();
    ptx::wgmma_hold(o);
    ptx::wgmma_fence();
    const ptx::Descriptor values = ptx::descriptor_mn_major(keys + L::kTile, kKeys * 128);
#pragma unroll
    for (int k = 0; k < kKeys / 16; ++k) {
      ptx::wgmma_rs<T, kHeadDim>(o, p[k], values.after(k * 2048), tile > 0 || k > 0);
    }
    ptx::wgmma_commit();
    ptx::wgmma_wait<0>();
    ptx::wgmma_hold(o);
    ptx::named_sync(1, 128);
    if (thread == 0) ptx::barrier_arrive(&barriers.empty[stage]);
  }
  for (int i = 0; i < kHeadDim / 2; ++i) {
    out[(row + i / 2 % 2 * 8) * kHeadDim + i / 4 * 8 + column + i % 2] = o[i];
  }
}

template <typename T, int kKeys, int kHeadDim>
__global__ void __launch_bounds__(kThreads, 1)
    product_kernel(const __grid_constant__ ptx::TensorMap q_map, const __grid_constant__ ptx::TensorMap k_map,
                   const __grid_constant__ ptx::TensorMap v_map, const T* k, const T* v, float* scores, float* out) {
  using L = Layout<kKeys, kHeadDim>;
  unsigned char* shared = dynamic_shared();
  auto& barriers = *reinterpret_cast<Barriers*>(shared + L::kBarriers);
  const int head = blockIdx.y * kHeads + blockIdx.x;
  if (threadIdx.x == 0) {
    ptx::barrier_init(&barriers.query, 1);
    for (int i = 0; i < kStages; ++i) {
      ptx::barrier_init(&barriers.keys[i], 32);
      ptx::barrier_init(&barriers.values[i], 32);
      ptx::barrier_init(&barriers.empty[i], 1);
    }
    ptx::barrier_init_fence();
    ptx::tma_prefetch(&q_map);
  }
  __syncthreads();
  if (threadIdx.x < 128) {
    ptx::registers_decrease<40>();
    if (threadIdx.x >= 32) return;
    if (threadIdx.x == 0) {
      ptx::barrier_expect(&barriers.query, L::kQuery);
      for (int part = 0; part < L::kParts; ++part) {
        ptx::tma_load_4d(shared + part * 64 * 128, &q_map, &barriers.query, part * 64, kQueryStart, blockIdx.x,
                         blockIdx.y);
      }
    }
    const int64_t rows = int64_t{head} * (kRows + kSpareRows) * stride(kHeadDim);
    for (int tile = 0; tile < kTiles; ++tile) {
      const int stage = tile % kStages;
      unsigned char* keys = shared + L::kQuery + 2 * stage * L::kTile;
      ptx::barrier_wait(&barriers.empty[stage], (tile / kStages % 2) ^ 1);
      produce<T, kKeys, kHeadDim>(&k_map, k + rows, keys, &barriers.keys[stage], tile);
      produce<T, kKeys, kHeadDim>(&v_map, v + rows, keys + L::kTile, &barriers.values[stage], tile);
    }
  } else {
    ptx::registers_increase<240>();
    consume<T, kKeys, kHeadDim>(shared, barriers, scores + head * kTiles * 64 * kKeys, out + head * 64 * kHeadDim);
  }
}

constexpr int kMatrix = 16, kMatrixStride = 24;

__host__ __device__ constexpr float exponent(int row, int column) { return row * 0.75f - column * 0.3125f; }

// One warp: 2^exponent at every row and column of a matrix.
template <typename T>
__global__ void store_kernel(T* out) {
  auto* matrix = reinterpret_cast<T*>(dynamic_shared());
  const int lane = threadIdx.x;
  uint32_t r[4];
  for (int m = 0; m < 4; ++m) {
    const int row = m % 2 * 8 + lane / 4, column = m / 2 * 8 + lane % 4 * 2;
    r[m] = ptx::pack2<T>(ptx::exp2_fast(exponent(row, column)), ptx::exp2_fast(exponent(row, column + 1)));
  }
  ptx::stmatrix_x4(matrix + lane % 16 * kMatrixStride + lane / 16 * 8, r);
  __syncwarp();
  for (int i = lane; i < kMatrix * kMatrix; i += 32) out[i] = matrix[i / kMatrix * kMatrixStride + i % kMatrix];
}

bool is_hopper() {
  int device = 0, major = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device), "cudaDeviceGetAttribute");
  return major == 9;
}

template <typename T>
std::string run_store(DataType dtype, std::string& note) {
  if (!is_hopper()) {
    note = "skipped: no Hopper";
    return "";
  }
  DeviceMemory memory;
  auto* out = static_cast<T*>(memory.allocate(kMatrix * kMatrix * sizeof(T)));
  launch(store_kernel<T>, dim3(1), dim3(32), kMatrix * kMatrixStride * sizeof(T), nullptr, out);
  std::vector<float> expected;
  for (int i = 0; i < kMatrix * kMatrix; ++i) expected.push_back(std::exp2(exponent(i / kMatrix, i % kMatrix)));
  const double unit = dtype == DataType::kFloat16 ? 0x1p-11 : 0x1p-8;
  double deviation = 0;
  const std::string problem = compare(widen_bits(download<uint16_t>(out, kMatrix * kMatrix), dtype), expected,
                                      {.absolute = 0, .relative = 1.01 * unit, .norm = unit}, &deviation);
  note = "deviation " + std::to_string(deviation);
  return problem;
}

// Row i of a tile as the kernel loads it: its number in the tensor, or -1 for zeros.
int tile_row(int tile, int i) {
  if (tile == kGathered) return i % 5 == 4 ? -1 : gathered_row(i);
  const int row = first_row(tile) + i;
  return row >= 0 && row < kRows ? row : -1;
}

template <typename T, int kKeys, int kHeadDim>
std::string run_product(DataType dtype, std::string& note) {
  if (!is_hopper()) {
    note = "skipped: no Hopper";
    return "";
  }
  using L = Layout<kKeys, kHeadDim>;
  constexpr int kHeadRows = kRows + kSpareRows, kStride = stride(kHeadDim);
  const size_t size = size_t{kBatch * kHeads * kHeadRows} * kStride;
  const Operand q = make_operand(normal(size, 1), dtype), k = make_operand(normal(size, 2), dtype),
                v = make_operand(normal(size, 3), dtype);
  DeviceMemory memory;
  const uint64_t dims[4] = {kHeadDim, kRows, kHeads, kBatch};
  const uint64_t row_bytes = kStride * 2, head_bytes = kHeadRows * row_bytes;
  const uint64_t strides[3] = {row_bytes, head_bytes, kHeads * head_bytes};
  const uint32_t q_box[4] = {64, 64, 1, 1}, box[4] = {64, kKeys, 1, 1};
  const auto *q_rows = memory.upload(q.bits), *k_rows = memory.upload(k.bits), *v_rows = memory.upload(v.bits);
  const size_t heads = kBatch * kHeads, num_scores = heads * kTiles * 64 * kKeys, num_out = heads * 64 * kHeadDim;
  auto* scores = static_cast<float*>(memory.allocate(num_scores * sizeof(float)));
  auto* out = static_cast<float*>(memory.allocate(num_out * sizeof(float)));
  launch(product_kernel<T, kKeys, kHeadDim>, dim3(kHeads, kBatch), dim3(kThreads), L::kBytes, nullptr,
         ptx::make_tensor_map(dtype, q_rows, 4, dims, strides, q_box),
         ptx::make_tensor_map(dtype, k_rows, 4, dims, strides, box),
         ptx::make_tensor_map(dtype, v_rows, 4, dims, strides, box), reinterpret_cast<const T*>(k_rows),
         reinterpret_cast<const T*>(v_rows), scores, out);
  const auto found_scores = download<float>(scores, num_scores), found_out = download<float>(out, num_out);

  std::vector<float> expected_scores(num_scores), expected_out(num_out);
  for (size_t head = 0; head < heads; ++head) {
    for (int r = 0; r < 64; ++r) {
      const float* query = &q.values[(head * kHeadRows + kQueryStart + r) * kStride];
      std::vector<double> sums(kHeadDim);
      for (int j = 0; j < kTiles * kKeys; ++j) {
        const int row = tile_row(j / kKeys, j % kKeys);
        const size_t at = ((head * kTiles + j / kKeys) * 64 + r) * kKeys + j % kKeys;
        if (row < 0 || kQueryStart + r >= kRows) continue;
        const size_t first = (head * kHeadRows + row) * kStride;
        double score = 0;
        for (int c = 0; c < kHeadDim; ++c) score += double{query[c]} * k.values[first + c];
        expected_scores[at] = static_cast<float>(score);
        // Rounded as in the kernel, from the kernel's own score.
        const double p = from_bits(to_bits(found_scores[at] * kScale, dtype), dtype);
        for (int c = 0; c < kHeadDim; ++c) sums[c] += p * v.values[first + c];
      }
      std::copy(sums.begin(), sums.end(), &expected_out[(head * 64 + r) * kHeadDim]);
    }
  }
  const Tolerance tolerance{.absolute = 1e-2, .relative = 1e-4, .norm = 5e-5};
  double deviation = 0, out_deviation = 0;
  std::string problem = compare(found_scores, expected_scores, tolerance, &deviation);
  if (!problem.empty()) return "Q·Kᵀ: " + problem;
  problem = compare(found_out, expected_out, tolerance, &out_deviation);
  if (!problem.empty()) return "P·V: " + problem;
  note = "deviation " + std::to_string(std::max(deviation, out_deviation));
  return "";
}

template <int kKeys, int kHeadDim>
void add(std::vector<Check>& checks) {
  const std::string shape = " " + std::to_string(kKeys) + " keys of " + std::to_string(kHeadDim);
  checks.push_back({"ptx: TMA and wgmma" + shape + " float16",
                    [](std::string& note) { return run_product<__half, kKeys, kHeadDim>(DataType::kFloat16, note); }});
  checks.push_back({"ptx: TMA and wgmma" + shape + " bfloat16", [](std::string& note) {
                      return run_product<__nv_bfloat16, kKeys, kHeadDim>(DataType::kBFloat16, note);
                    }});
}

}  // namespace

void add_ptx_checks(std::vector<Check>& checks) {
  checks.push_back({"ptx: stmatrix, exp2, pack2 float16",
                    [](std::string& note) { return run_store<__half>(DataType::kFloat16, note); }});
  checks.push_back({"ptx: stmatrix, exp2, pack2 bfloat16",
                    [](std::string& note) { return run_store<__nv_bfloat16>(DataType::kBFloat16, note); }});
  add<32, 64>(checks);
  add<64, 64>(checks);
  add<256, 64>(checks);
  add<64, 128>(checks);
  add<128, 128>(checks);
}

}  // namespace minference::cuda::check_kernels
