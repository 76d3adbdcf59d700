// ONNX Runtime's C++ API, initialised by hand: the api pointer comes from RegisterCustomOps.
#pragma once

#ifndef ORT_API_MANUAL_INIT
#define ORT_API_MANUAL_INIT
#endif
#include <onnxruntime_cxx_api.h>
