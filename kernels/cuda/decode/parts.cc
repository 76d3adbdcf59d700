#include "parts.h"

#include <stdexcept>
#include <type_traits>

namespace minference::cuda::decode_kernels {

extern template struct Parts<64>;
extern template struct Parts<96>;
extern template struct Parts<128>;
extern template struct Parts<256>;

namespace {

template <typename Fn>
auto dispatch_head_dim(int64_t head_dim, Fn&& fn) {
  switch (head_dim) {
    case 64:
      return fn(Parts<64>{});
    case 96:
      return fn(Parts<96>{});
    case 128:
      return fn(Parts<128>{});
    case 256:
      return fn(Parts<256>{});
    default:
      throw std::invalid_argument("decode has kernels for head sizes 64, 96, 128 and 256");
  }
}

}  // namespace

DecodeCapacity capacity(int64_t head_dim, int64_t rows, DataType dtype) {
  return dispatch_head_dim(head_dim, [&](auto parts) { return decltype(parts)::capacity(rows, dtype); });
}

void launch_parts(const DecodeWork& work, int64_t head_dim, DataType dtype, cudaStream_t stream) {
  dispatch_head_dim(head_dim, [&](auto parts) { decltype(parts)::launch(work, dtype, stream); });
}

}  // namespace minference::cuda::decode_kernels
