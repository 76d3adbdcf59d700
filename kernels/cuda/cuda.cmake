# The CUDA kernels: machine code for sm_80 and sm_90a, PTX for what comes after; the CUDA run-time library is linked
# statically and asks for the driver when it is first used, so that the result loads where there is none.
set(CMAKE_CUDA_ARCHITECTURES ${MINFERENCE_CUDA_ARCHITECTURES})
set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)
# CMake 3.25 does not know that nvcc takes C++20.
set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_FLAGS_RELEASE "-O3 -DNDEBUG")
set(CMAKE_CUDA_VISIBILITY_PRESET hidden)

file(GLOB_RECURSE cuda_sources CONFIGURE_DEPENDS cuda/*.cu cuda/*.cc)
list(FILTER cuda_sources EXCLUDE REGEX "/cuda/(emulate|check|bench)/")
add_library(minference_cuda STATIC ${cuda_sources})
target_include_directories(minference_cuda PRIVATE ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/cuda)
target_compile_options(minference_cuda PRIVATE
  "$<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr;-Xcompiler=-Wall,-Wextra;-diag-suppress=177>")
target_link_libraries(minference_cuda PUBLIC minference_cpu CUDA::cudart_static)

list(JOIN MINFERENCE_CUDA_ARCHITECTURES "\", \"" cuda_archs)
set(cuda_text "{ \"compiler\": \"nvcc ${CMAKE_CUDA_COMPILER_VERSION}\", \"archs\": [\"${cuda_archs}\"] }")

# Programs without ONNX Runtime, for a machine with a GPU: the kernels against the reference, and their times.
foreach(program check bench)
  file(GLOB program_sources CONFIGURE_DEPENDS cuda/${program}/*.cc cuda/${program}/*.cu)
  list(FILTER program_sources EXCLUDE REGEX "/decode_bench\\.cc$")  # a program of its own
  add_executable(minference_${program} EXCLUDE_FROM_ALL ${program_sources})
  target_include_directories(minference_${program} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/cuda)
  target_compile_options(minference_${program} PRIVATE
    "$<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr;-diag-suppress=177>")
  target_link_libraries(minference_${program} PRIVATE minference_cuda -static-libstdc++ -static-libgcc)
endforeach()
