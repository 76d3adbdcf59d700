#include "session_data.h"

#include <onnxruntime_session_options_config_keys.h>

#include <stdexcept>
#include <unordered_map>

namespace minference::addon {
namespace {

ValueInfo describe(std::string name, const char* what, const Ort::TypeInfo& type) {
  if (type.GetONNXType() != ONNX_TYPE_TENSOR) {
    throw std::invalid_argument(std::string("expected tensors as graph inputs and outputs, found another type for ") +
                                what + " " + name);
  }
  const auto tensor = type.GetTensorTypeAndShapeInfo();
  ValueInfo info{std::move(name), tensor.GetElementType(), tensor.GetShape(), {}};
  std::vector<const char*> symbols(info.dims.size());
  tensor.GetSymbolicDimensions(symbols.data(), symbols.size());
  for (const char* symbol : symbols) info.symbols.emplace_back(symbol == nullptr ? "" : symbol);
  return info;
}

// The arena grows by what is asked for: long prompts fill the device as it is. A float32 model's matrix products take
// TF32 operands, of as many bits as the float16 ones of its attention.
void append_cuda(Ort::SessionOptions& options, int device) {
  Ort::CUDAProviderOptions cuda;
  cuda.Update(
      {{"device_id", std::to_string(device)}, {"arena_extend_strategy", "kSameAsRequested"}, {"use_tf32", "1"}});
  options.AppendExecutionProvider_CUDA_V2(*cuda);
}

}  // namespace

Ort::SessionOptions session_options(const SessionSettings& settings) {
  Ort::SessionOptions options;
  // Errors come back as exceptions; ONNX Runtime would print them to stderr as well.
  options.SetLogSeverityLevel(ORT_LOGGING_LEVEL_FATAL);
  options.SetIntraOpNumThreads(settings.threads);
  options.SetInterOpNumThreads(1);
  options.SetGraphOptimizationLevel(static_cast<GraphOptimizationLevel>(settings.optimization));
  if (!settings.external_folder.empty()) {
    options.AddConfigEntry(kOrtSessionOptionsModelExternalInitializersFileFolderPath, settings.external_folder.c_str());
  }
  for (const auto& [key, value] : settings.config) options.AddConfigEntry(key.c_str(), value.c_str());
  if (!settings.device.on_host()) append_cuda(options, settings.device.device);
  if (!settings.profile_prefix.empty()) options.EnableProfiling(settings.profile_prefix.c_str());
  if (!settings.ops_library.empty()) options.RegisterCustomOpsLibrary(settings.ops_library.c_str());
  return options;
}

std::shared_ptr<SessionData> open_session(const SessionSettings& settings, const Ort::SessionOptions& options) {
  auto data = std::make_shared<SessionData>();
  data->device = settings.device;
  data->session = Ort::Session(ort_env(), settings.model, settings.model_bytes, options);
  std::vector<std::string> inputs = data->session.GetInputNames(), outputs = data->session.GetOutputNames();
  for (size_t i = 0; i < inputs.size(); ++i) {
    data->inputs.push_back(describe(std::move(inputs[i]), "input", data->session.GetInputTypeInfo(i)));
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    data->outputs.push_back(describe(std::move(outputs[i]), "output", data->session.GetOutputTypeInfo(i)));
  }
  return data;
}

}  // namespace minference::addon
