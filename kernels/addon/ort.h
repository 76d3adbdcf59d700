// ONNX Runtime's C++ API, bound at run time to the library that onnxruntime-node ships.
#pragma once

#ifndef ORT_API_MANUAL_INIT
#define ORT_API_MANUAL_INIT
#endif
#include <onnxruntime_cxx_api.h>

#include <string>

namespace minference::addon {

// Opens the library once per process and returns its version; throws std::runtime_error with the loader's text.
std::string open_ort(const std::string& path);
struct Place;
// ONNX Runtime's name of a place where tensors live.
Ort::MemoryInfo memory_of(const Place& place);
// The process-wide environment; throws std::logic_error before open_ort.
Ort::Env& ort_env();

}  // namespace minference::addon
