#include "tensor_map.h"

#include <cuda_runtime_api.h>

#include <string>

#include "../common/check.h"
#include "tensor_shape.h"

namespace minference::cuda::ptx {
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

}  // namespace minference::cuda::ptx
