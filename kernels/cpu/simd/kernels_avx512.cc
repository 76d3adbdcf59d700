// GCC 12 warns about its own intrinsics' undefined pass-through operands.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include "vec_avx512.h"
#include "vec_math.h"
// The kernels are templates over the vector type above.
#include "pack_kernel.h"
#include "row_kernel.h"
#include "tile_kernel.h"

namespace minference::cpu {

const KernelTable* kernel_table_avx512() {
  static constexpr KernelTable table = {
      .name = "avx512",
      .row_group = kRows,
      .pack_keys = pack_keys,
      .pack_values = pack_values,
      .pack_queries = pack_queries,
      .reset = reset,
      .attend = attend,
      .scores = scores,
      .soft_cap = soft_cap,
      .row_max = row_max,
      .exp_sum = exp_sum,
      .add_scaled = add_scaled,
      .to_float = to_float,
      .from_float = from_float,
  };
  return &table;
}

}  // namespace minference::cpu
