// The entry point of the op library: every op, for every execution provider that this build supports.
#include "attention_probe_op.h"
#include "sparse_attention_op.h"
#include "sparse_index_op.h"
#ifdef MINFERENCE_CUDA
#include "cuda/cuda_ops.h"
#endif

namespace {

using minference::DataType;

// ONNX Runtime keeps pointers to the ops and the domain for as long as the library is loaded.
Ort::CustomOpDomain& domain() {
  static minference::ops::SparseAttentionOp sparse_attention[] = {
      minference::ops::SparseAttentionOp(DataType::kFloat32), minference::ops::SparseAttentionOp(DataType::kFloat16)};
  static minference::ops::AttentionProbeOp attention_probe[] = {minference::ops::AttentionProbeOp(DataType::kFloat32),
                                                                minference::ops::AttentionProbeOp(DataType::kFloat16)};
  static minference::ops::SparseIndexOp sparse_index[] = {minference::ops::SparseIndexOp(DataType::kFloat32),
                                                          minference::ops::SparseIndexOp(DataType::kFloat16)};
  static Ort::CustomOpDomain* domain = [] {
    auto* created = new Ort::CustomOpDomain("ai.minference");
    for (auto& op : sparse_attention) created->Add(&op);
    for (auto& op : attention_probe) created->Add(&op);
    for (auto& op : sparse_index) created->Add(&op);
#ifdef MINFERENCE_CUDA
    minference::ops::add_cuda_ops(*created);
#endif
    return created;
  }();
  return *domain;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) OrtStatus* RegisterCustomOps(OrtSessionOptions* options,
                                                                               const OrtApiBase* base) {
  const OrtApi* api = base->GetApi(ORT_API_VERSION);
  if (api == nullptr) {
    const OrtApi* oldest = base->GetApi(1);
    return oldest->CreateStatus(ORT_INVALID_ARGUMENT, "minference ops need ONNX Runtime 1.29 or newer");
  }
  Ort::InitApi(api);
  try {
    Ort::UnownedSessionOptions(options).Add(domain());
    return nullptr;
  } catch (const std::exception& error) {
    return api->CreateStatus(ORT_FAIL, error.what());
  }
}
