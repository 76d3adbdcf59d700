// The instructions of wgmma.cuh for every shape and type: their operands can only be listed one by one.
#pragma once

#include "ptx/wgmma.cuh"

namespace minference::cuda::ptx {

// clang-format off
#define MINFERENCE_R0 "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15"
#define MINFERENCE_R16 "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define MINFERENCE_R32 "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47"
#define MINFERENCE_R48 "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define MINFERENCE_R64 "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79"
#define MINFERENCE_R80 "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95"
#define MINFERENCE_R96 "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111"
#define MINFERENCE_R112 "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"

#define MINFERENCE_D4(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define MINFERENCE_D16(i) MINFERENCE_D4(i), MINFERENCE_D4(i + 4), MINFERENCE_D4(i + 8), MINFERENCE_D4(i + 12)
#define MINFERENCE_D32(i) MINFERENCE_D16(i), MINFERENCE_D16(i + 16)
#define MINFERENCE_D64(i) MINFERENCE_D32(i), MINFERENCE_D32(i + 32)
#define MINFERENCE_D128(i) MINFERENCE_D64(i), MINFERENCE_D64(i + 64)

// p0 … p5: the operands after the accumulators.
#define MINFERENCE_WGMMA(T, NAME, N, REGISTERS, ACCUMULATORS, p0, p1, p2, p3, p4, p5)                                   \
  template <>                                                                                                          \
  __device__ inline void wgmma_ss<T, N>(float (&d)[N / 2], Descriptor a, Descriptor b, bool accumulate) {                  \
    asm volatile(                                                                                                      \
        "{\n.reg .pred p;\nsetp.ne.b32 p, " p2 ", 0;\n"                                                                \
        "wgmma.mma_async.sync.aligned.m64n" #N "k16.f32." NAME "." NAME " {" REGISTERS "}, " p0 ", " p1                \
        ", p, 1, 1, 0, 0;\n}\n"                                                                                        \
        : ACCUMULATORS                                                                                                 \
        : "l"(a.bits()), "l"(b.bits()), "r"(static_cast<int>(accumulate)));                                                          \
  }                                                                                                                    \
  template <>                                                                                                          \
  __device__ inline void wgmma_rs<T, N>(float (&d)[N / 2], const uint32_t (&a)[4], Descriptor b, bool accumulate) {      \
    asm volatile(                                                                                                      \
        "{\n.reg .pred p;\nsetp.ne.b32 p, " p5 ", 0;\n"                                                                \
        "wgmma.mma_async.sync.aligned.m64n" #N "k16.f32." NAME "." NAME " {" REGISTERS "}, {" p0 ", " p1 ", " p2 ", "  \
        p3 "}, " p4 ", p, 1, 1, 1;\n}\n"                                                                               \
        : ACCUMULATORS                                                                                                 \
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b.bits()), "r"(static_cast<int>(accumulate)));                      \
  }

#define MINFERENCE_REGISTERS MINFERENCE_R0
MINFERENCE_WGMMA(__half, "f16", 32, MINFERENCE_REGISTERS, MINFERENCE_D16(0), "%16", "%17", "%18", "%19", "%20", "%21")
MINFERENCE_WGMMA(__nv_bfloat16, "bf16", 32, MINFERENCE_REGISTERS, MINFERENCE_D16(0), "%16", "%17", "%18", "%19", "%20", "%21")
#undef MINFERENCE_REGISTERS

#define MINFERENCE_REGISTERS MINFERENCE_R0 ", " MINFERENCE_R16
MINFERENCE_WGMMA(__half, "f16", 64, MINFERENCE_REGISTERS, MINFERENCE_D32(0), "%32", "%33", "%34", "%35", "%36", "%37")
MINFERENCE_WGMMA(__nv_bfloat16, "bf16", 64, MINFERENCE_REGISTERS, MINFERENCE_D32(0), "%32", "%33", "%34", "%35", "%36", "%37")
#undef MINFERENCE_REGISTERS

#define MINFERENCE_REGISTERS MINFERENCE_R0 ", " MINFERENCE_R16 ", " MINFERENCE_R32 ", " MINFERENCE_R48
MINFERENCE_WGMMA(__half, "f16", 128, MINFERENCE_REGISTERS, MINFERENCE_D64(0), "%64", "%65", "%66", "%67", "%68", "%69")
MINFERENCE_WGMMA(__nv_bfloat16, "bf16", 128, MINFERENCE_REGISTERS, MINFERENCE_D64(0), "%64", "%65", "%66", "%67", "%68", "%69")
#undef MINFERENCE_REGISTERS

#define MINFERENCE_REGISTERS MINFERENCE_R0 ", " MINFERENCE_R16 ", " MINFERENCE_R32 ", " MINFERENCE_R48 ", " MINFERENCE_R64 ", " MINFERENCE_R80 ", " MINFERENCE_R96 ", " MINFERENCE_R112
MINFERENCE_WGMMA(__half, "f16", 256, MINFERENCE_REGISTERS, MINFERENCE_D128(0), "%128", "%129", "%130", "%131", "%132", "%133")
MINFERENCE_WGMMA(__nv_bfloat16, "bf16", 256, MINFERENCE_REGISTERS, MINFERENCE_D128(0), "%128", "%129", "%130", "%131", "%132", "%133")
#undef MINFERENCE_REGISTERS
// clang-format on

#undef MINFERENCE_R0
#undef MINFERENCE_R16
#undef MINFERENCE_R32
#undef MINFERENCE_R48
#undef MINFERENCE_R64
#undef MINFERENCE_R80
#undef MINFERENCE_R96
#undef MINFERENCE_R112
#undef MINFERENCE_D4
#undef MINFERENCE_D16
#undef MINFERENCE_D32
#undef MINFERENCE_D64
#undef MINFERENCE_D128
#undef MINFERENCE_WGMMA

}  // namespace minference::cuda::ptx
