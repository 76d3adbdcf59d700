#include "op_times_op.h"

#include <vector>

#ifdef MINFERENCE_CUDA
#include "minference/cuda.h"
#endif
#include "minference/op_times.h"

namespace minference::ops {

OrtStatusPtr OpTimesKernel::ComputeV2(OrtKernelContext* raw) {
  return as_status(OpTimesSpec::name, [&] {
    Ort::KernelContext context(raw);
#ifdef MINFERENCE_CUDA
    cuda::collect_times();
#endif
    auto* out = context.GetOutput(0, std::vector<int64_t>{3}).GetTensorMutableData<int64_t>();
    out[0] = op_times().index_ns;
    out[1] = op_times().total_ns;
    out[2] = op_times().calls;
  });
}

}  // namespace minference::ops
