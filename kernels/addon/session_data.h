// An inference session and what its graph takes and gives, shared by the JavaScript object and the runs under way.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ort.h"
#include "tensor_data.h"

namespace minference::addon {

struct ValueInfo {
  std::string name;
  int32_t element_type;
  std::vector<int64_t> dims;         // -1 where `symbols` has the name, or nothing is known
  std::vector<std::string> symbols;  // '' for fixed and unknown dimensions
};

struct SessionData {
  Place device;  // where outputs go that shall stay on the device
  Ort::Session session{nullptr};
  std::vector<ValueInfo> inputs;
  std::vector<ValueInfo> outputs;
};

struct SessionSettings {
  const uint8_t* model;  // owned by the caller until the session is made
  size_t model_bytes;
  std::string external_folder;  // '' for none
  std::string ops_library;      // '' for plain ONNX Runtime
  std::string profile_prefix;   // '' for no profile
  Place device;                 // a CUDA device: its execution provider before the CPU's
  int threads;
  int optimization;                                         // GraphOptimizationLevel
  std::vector<std::pair<std::string, std::string>> config;  // further session configuration entries
};

// ONNX Runtime's options for `settings`, with the op library registered. Throws Ort::Exception.
Ort::SessionOptions session_options(const SessionSettings& settings);

// Throws Ort::Exception, or std::invalid_argument for graphs with inputs or outputs that are no tensors.
std::shared_ptr<SessionData> open_session(const SessionSettings& settings, const Ort::SessionOptions& options);

}  // namespace minference::addon
