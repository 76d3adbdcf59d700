#include "tensor_map.h"

#include <cuda_runtime_api.h>

#include <string>

#include "../common/check.h"

namespace minference::cuda::ptx {
namespace {

constexpr int kMostDims = 5, kRowBytes = 128;
constexpr uint64_t kMostElements = uint64_t{1} << 32, kMostStride = uint64_t{1} << 40;
constexpr uint32_t kMostBox = 256;

int element_bytes(DataType dtype) { return dtype == DataType::kFloat32 ? 4 : 2; }

// What the driver would only call an invalid value.
void check_shape(DataType dtype, const void* base, int rank, const uint64_t* dims, const uint64_t* byte_strides,
                 const uint32_t* box) {
  const auto require = [](bool condition, const char* what) {
    if (!condition) throw CudaError(std::string("tensor map: ") + what);
  };
  require(rank >= 1 && rank <= kMostDims, "1 … 5 dimensions");
  require(reinterpret_cast<uintptr_t>(base) % 16 == 0, "the address is not a multiple of 16");
  for (int i = 0; i < rank; ++i) {
    require(dims[i] > 0 && dims[i] <= kMostElements, "a dimension is empty or above 2^32");
    require(box[i] > 0 && box[i] <= kMostBox, "a box has 1 … 256 elements in a dimension");
    if (i > 0) {
      require(byte_strides[i - 1] % 16 == 0 && byte_strides[i - 1] < kMostStride,
              "a stride is not a multiple of 16 or not below 2^40");
    }
  }
  require(box[0] * element_bytes(dtype) == kRowBytes, "rows of the box are 128 bytes long");
}

}  // namespace

#ifdef MINFERENCE_EMULATE

TensorMap make_tensor_map(DataType dtype, const void* base, int rank, const uint64_t* dims,
                          const uint64_t* byte_strides, const uint32_t* box) {
  check_shape(dtype, base, rank, dims, byte_strides, box);
  TensorMap map{};
  map.base = static_cast<const unsigned char*>(base);
  map.rank = rank;
  map.element_bytes = element_bytes(dtype);
  for (int i = 0; i < kMostDims; ++i) {
    map.dims[i] = i < rank ? dims[i] : 1;
    map.box[i] = i < rank ? box[i] : 1;
    map.byte_strides[i] = i == 0 ? map.element_bytes : i < rank ? byte_strides[i - 1] : 0;
  }
  return map;
}

#else

namespace {

using Encode = decltype(&cuTensorMapEncodeTiled);

// From the driver that is there at run time: the library must load without one.
Encode find_encode() {
  void* entry = nullptr;
  cudaDriverEntryPointQueryResult found = cudaDriverEntryPointSymbolNotFound;
  check(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &entry, 12000, cudaEnableDefault, &found),
        "looking for cuTensorMapEncodeTiled");
  if (found != cudaDriverEntryPointSuccess || entry == nullptr) {
    throw CudaError("the CUDA driver has no cuTensorMapEncodeTiled: version 12.0 or newer is needed");
  }
  return reinterpret_cast<Encode>(entry);
}

CUtensorMapDataType map_type(DataType dtype) {
  switch (dtype) {
    case DataType::kFloat16:
      return CU_TENSOR_MAP_DATA_TYPE_FLOAT16;
    case DataType::kBFloat16:
      return CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
    default:
      return CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
  }
}

}  // namespace

TensorMap make_tensor_map(DataType dtype, const void* base, int rank, const uint64_t* dims,
                          const uint64_t* byte_strides, const uint32_t* box) {
  static const Encode encode = find_encode();
  check_shape(dtype, base, rank, dims, byte_strides, box);
  cuuint64_t sizes[kMostDims] = {}, strides[kMostDims] = {};
  cuuint32_t boxes[kMostDims] = {}, steps[kMostDims] = {};
  for (int i = 0; i < rank; ++i) {
    sizes[i] = dims[i];
    boxes[i] = box[i];
    steps[i] = 1;
    if (i > 0) strides[i - 1] = byte_strides[i - 1];
  }
  TensorMap map;
  const CUresult result = encode(&map, map_type(dtype), static_cast<cuuint32_t>(rank), const_cast<void*>(base), sizes,
                                 strides, boxes, steps, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                                 CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (result != CUDA_SUCCESS) {
    throw CudaError("cuTensorMapEncodeTiled failed: error " + std::to_string(static_cast<int>(result)));
  }
  return map;
}

#endif

}  // namespace minference::cuda::ptx
