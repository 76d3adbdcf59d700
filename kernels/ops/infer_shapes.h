// Shapes of outputs for ONNX Runtime's optimizers, which leave nodes alone whose shapes they do not know.
#pragma once

#include "ort.h"

namespace minference::ops {

// Output 0 of SparseAttention and AttentionProbe: query's batch and sequence, num_heads · head_dim. The presents'
// length is a number that only the run knows, so they stay without a shape.
void infer_attention_output(OrtShapeInferContext* context);

}  // namespace minference::ops
