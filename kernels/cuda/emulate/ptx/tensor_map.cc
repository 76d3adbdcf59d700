#include "tensor_map.h"

#include "../../ptx/tensor_shape.h"

namespace minference::cuda::ptx {

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

}  // namespace minference::cuda::ptx
