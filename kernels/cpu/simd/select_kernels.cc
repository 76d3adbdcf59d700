#include <cstdlib>
#include <string_view>

#include "kernel_table.h"

namespace minference::cpu {
namespace {

const KernelTable* select() {
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  const char* variable = std::getenv("MINFERENCE_SIMD");
  const std::string_view wanted = variable != nullptr ? variable : "avx512";
  if (wanted == "generic" || !avx2) return kernel_table_generic();
  if (wanted == "avx2" || !avx512) return kernel_table_avx2();
  return kernel_table_avx512();
}

}  // namespace

const KernelTable& kernels() {
  static const KernelTable* const table = select();
  return *table;
}

}  // namespace minference::cpu
