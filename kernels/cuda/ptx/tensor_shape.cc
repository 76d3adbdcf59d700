#include "tensor_shape.h"

#include <string>

#include "../common/check.h"

namespace minference::cuda::ptx {
namespace {

constexpr int kRowBytes = 128;
constexpr uint64_t kMostElements = uint64_t{1} << 32, kMostStride = uint64_t{1} << 40;
constexpr uint32_t kMostBox = 256;

}  // namespace

int element_bytes(DataType dtype) { return dtype == DataType::kFloat32 ? 4 : 2; }

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

}  // namespace minference::cuda::ptx
