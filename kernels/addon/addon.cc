// What JavaScript sees of the native host; its TypeScript twin is src/runtime/binding-types.ts.
#include <napi.h>

#include "addon_data.h"
#include "create_worker.h"
#include "cuda_device.h"
#include "failure.h"
#include "minference/costs.h"
#include "minference/cpu.h"
#include "ort.h"
#include "read_counters.h"
#include "session_wrap.h"
#include "tensor_wrap.h"

namespace minference::addon {
namespace {

// loadRuntime(path) → version of ONNX Runtime.
Napi::Value load_runtime(const Napi::CallbackInfo& info) {
  return checked(info.Env(),
                 [&] { return Napi::String::New(info.Env(), open_ort(info[0].As<Napi::String>().Utf8Value())); });
}

// kernelInfo(headDim, 'cpu' | 'cuda', device number) → { blockM, blockN, keyAlign, columnsInPlace } of the device's
// optimized kernels, and `simd`, what the CPU's use on this processor.
Napi::Value kernel_info(const Napi::CallbackInfo& info) {
  return checked(info.Env(), [&] {
    const int64_t head_dim = info[0].As<Napi::Number>().Int64Value();
    const bool on_cuda = info[1].As<Napi::String>().Utf8Value() == "cuda";
    const int device = info[2].As<Napi::Number>().Int32Value();
    const KernelGeometry geometry = on_cuda ? cuda_geometry(head_dim, device) : cpu::optimized_geometry(head_dim);
    auto result = Napi::Object::New(info.Env());
    result.Set("blockM", geometry.block_m);
    result.Set("blockN", geometry.block_n);
    result.Set("keyAlign", geometry.key_align);
    result.Set("columnsInPlace", geometry.columns_in_place);
    result.Set("simd", cpu::simd_level());
    return result;
  });
}

// defaultCosts('cpu' | 'cuda') → the fields of CostModel where nothing was measured.
Napi::Value default_costs(const Napi::CallbackInfo& info) {
  return checked(info.Env(), [&] {
    const CostModel& costs = info[0].As<Napi::String>().Utf8Value() == "cuda" ? kCudaCosts : kCpuCosts;
    auto result = Napi::Object::New(info.Env());
    result.Set("sparse_tile", costs.sparse_tile);
    result.Set("index_flop", costs.index_flop);
    result.Set("pooled_flop", costs.pooled_flop);
    result.Set("select_per_key", costs.select_per_key);
    result.Set("select_per_score", costs.select_per_score);
    result.Set("pack_per_column", costs.pack_per_column);
    result.Set("per_head", costs.per_head);
    result.Set("least_context", static_cast<double>(costs.least_context));
    return result;
  });
}

// cudaInfo() → { problem, driverVersion, runtimeVersion, devices }; `problem` is null where there is a device. Opens
// the driver, takes no device into use.
Napi::Value cuda_info(const Napi::CallbackInfo& info) {
  return checked(info.Env(), [&] {
    Napi::Env env = info.Env();
    const CudaFacts facts = cuda_facts();
    auto result = Napi::Object::New(env);
    result.Set("problem", facts.problem.empty() ? env.Null() : Napi::String::New(env, facts.problem));
    result.Set("driverVersion", facts.driver_version);
    result.Set("runtimeVersion", facts.runtime_version);
    auto devices = Napi::Array::New(env);
    for (const CudaDevice& device : facts.devices) {
      auto entry = Napi::Object::New(env);
      entry.Set("id", devices.Length());
      entry.Set("name", device.name);
      entry.Set("computeCapability", std::to_string(device.major) + "." + std::to_string(device.minor));
      entry.Set("multiprocessors", device.multiprocessors);
      entry.Set("totalBytes", static_cast<double>(device.total_bytes));
      devices.Set(devices.Length(), entry);
    }
    result.Set("devices", devices);
    return result;
  });
}

// cudaMemory(device number) → { freeBytes, totalBytes }. Takes the device into use.
Napi::Value device_memory(const Napi::CallbackInfo& info) {
  return checked(info.Env(), [&] {
    const CudaMemory memory = cuda_memory(info[0].As<Napi::Number>().Int32Value());
    auto result = Napi::Object::New(info.Env());
    result.Set("freeBytes", static_cast<double>(memory.free_bytes));
    result.Set("totalBytes", static_cast<double>(memory.total_bytes));
    return result;
  });
}

// readCounters(path of the op library, session) → what its attention ops have done so far; null where it has none.
Napi::Value session_counters(const Napi::CallbackInfo& info) {
  return checked(info.Env(), [&]() -> Napi::Value {
    const std::vector<int64_t> values =
        read_counters(info[0].As<Napi::String>().Utf8Value(), info[1].As<Napi::String>().Utf8Value());
    if (values.empty()) return info.Env().Null();
    auto result = Napi::Array::New(info.Env(), values.size());
    for (uint32_t i = 0; i < values.size(); ++i) result.Set(i, static_cast<double>(values[i]));
    return result;
  });
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto* data = new AddonData;
  env.SetInstanceData(data);
  data->tensor = Napi::Persistent(TensorWrap::define(env));
  data->session = Napi::Persistent(SessionWrap::define(env));
  exports.Set("loadRuntime", Napi::Function::New(env, load_runtime));
  exports.Set("kernelInfo", Napi::Function::New(env, kernel_info));
  exports.Set("defaultCosts", Napi::Function::New(env, default_costs));
  exports.Set("cudaInfo", Napi::Function::New(env, cuda_info));
  exports.Set("cudaMemory", Napi::Function::New(env, device_memory));
  exports.Set("readCounters", Napi::Function::New(env, session_counters));
  exports.Set("createSession", Napi::Function::New(env, create_session));
  exports.Set("Tensor", data->tensor.Value());
  return exports;
}

}  // namespace

NODE_API_MODULE(minference, init)

}  // namespace minference::addon
