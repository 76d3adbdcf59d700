// What methods of compressing the cache keep of it after a prefill, on the host for all devices.
#pragma once

#include "minference/params.h"
#include "minference/sparse_index.h"

namespace minference::rivals {

// SnapKV: of the context at the end of the call, its last 64 positions as a range, and as columns those of the others
// that the call's last 64 rows attend to most, up to `capacity` in all. One row block. `call`: as for resolve.
HeadIndex snap_kv(const AttentionParams& call, int64_t head, int64_t capacity);

}  // namespace minference::rivals
