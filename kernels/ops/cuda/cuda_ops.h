// The attention ops of the CUDA execution provider: the CPU ops' inputs, outputs and checks, other kernels.
#pragma once

#include "../attention_probe_op.h"
#include "../sparse_attention_op.h"

namespace minference::ops {

class CudaSparseAttentionKernel {
 public:
  static constexpr const char* execution_provider = kCudaProvider;

  CudaSparseAttentionKernel(const Ort::ConstKernelInfo& info, DataType dtype);
  OrtStatusPtr ComputeV2(OrtKernelContext* context);

 private:
  AttentionAttributes attributes_;
  CostModel costs_;
  std::shared_ptr<Counters> counters_;
  DataType dtype_;
};

class CudaAttentionProbeKernel {
 public:
  static constexpr const char* execution_provider = kCudaProvider;

  CudaAttentionProbeKernel(const Ort::ConstKernelInfo& info, DataType dtype);
  OrtStatusPtr ComputeV2(OrtKernelContext* context);

 private:
  AttentionAttributes attributes_;
  std::shared_ptr<Counters> counters_;
  DataType dtype_;
};

// float16, bfloat16 and, by way of float16, float32.
void add_cuda_ops(Ort::CustomOpDomain& domain);

}  // namespace minference::ops
