#pragma once

#include "minference/params.h"
#include "ort.h"

namespace minference::ops {

// The session's thread pool; exceptions of tasks are rethrown in the caller once all have ended.
ParallelFor parallel_for(OrtKernelContext* context);

}  // namespace minference::ops
