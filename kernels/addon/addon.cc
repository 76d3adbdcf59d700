// What JavaScript sees of the native host; its TypeScript twin is src/runtime/binding-types.ts.
#include <napi.h>

#include "addon_data.h"
#include "create_worker.h"
#include "cuda_device.h"
#include "failure.h"
#include "minference/cpu.h"
#include "ort.h"
#include "session_wrap.h"
#include "tensor_wrap.h"

namespace minference::addon {
namespace {

// loadRuntime(path) → version of ONNX Runtime.
Napi::Value load_runtime(const Napi::CallbackInfo& info) {
  return checked(info.Env(),
                 [&] { return Napi::String::New(info.Env(), open_ort(info[0].As<Napi::String>().Utf8Value())); });
}

// kernelInfo(headDim, 'cpu' | 'cuda') → { blockM, blockN, keyAlign, columnsInPlace } of the device's optimized kernels,
// and `simd`, what the CPU's use on this processor.
Napi::Value kernel_info(const Napi::CallbackInfo& info) {
  return checked(info.Env(), [&] {
    const int64_t head_dim = info[0].As<Napi::Number>().Int64Value();
    const bool on_cuda = info[1].As<Napi::String>().Utf8Value() == "cuda";
    const KernelGeometry geometry = on_cuda ? cuda_geometry(head_dim) : cpu::optimized_geometry(head_dim);
    auto result = Napi::Object::New(info.Env());
    result.Set("blockM", geometry.block_m);
    result.Set("blockN", geometry.block_n);
    result.Set("keyAlign", geometry.key_align);
    result.Set("columnsInPlace", geometry.columns_in_place);
    result.Set("simd", cpu::simd_level());
    return result;
  });
}

// cudaInfo() → facts about the CUDA device; `problem` is null where there is one. Opens the driver.
Napi::Value cuda_info(const Napi::CallbackInfo& info) {
  return checked(info.Env(), [&] {
    Napi::Env env = info.Env();
    const CudaFacts facts = cuda_facts();
    auto result = Napi::Object::New(env);
    result.Set("problem", facts.problem.empty() ? env.Null() : Napi::String::New(env, facts.problem));
    result.Set("name", facts.name);
    result.Set("computeCapability", std::to_string(facts.major) + "." + std::to_string(facts.minor));
    result.Set("multiprocessors", facts.multiprocessors);
    result.Set("freeBytes", Napi::Number::New(env, static_cast<double>(facts.free_bytes)));
    result.Set("totalBytes", Napi::Number::New(env, static_cast<double>(facts.total_bytes)));
    result.Set("driverVersion", facts.driver_version);
    result.Set("runtimeVersion", facts.runtime_version);
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
  exports.Set("cudaInfo", Napi::Function::New(env, cuda_info));
  exports.Set("createSession", Napi::Function::New(env, create_session));
  exports.Set("Tensor", data->tensor.Value());
  return exports;
}

}  // namespace

NODE_API_MODULE(minference, init)

}  // namespace minference::addon
