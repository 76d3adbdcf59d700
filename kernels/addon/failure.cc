#include "failure.h"

#include <new>

namespace minference::addon {
namespace {

const char* name_of(OrtErrorCode code) {
  switch (code) {
    case ORT_OK:
      return "OK";
    case ORT_FAIL:
      return "FAIL";
    case ORT_INVALID_ARGUMENT:
      return "INVALID_ARGUMENT";
    case ORT_NO_SUCHFILE:
      return "NO_SUCHFILE";
    case ORT_NO_MODEL:
      return "NO_MODEL";
    case ORT_ENGINE_ERROR:
      return "ENGINE_ERROR";
    case ORT_RUNTIME_EXCEPTION:
      return "RUNTIME_EXCEPTION";
    case ORT_INVALID_PROTOBUF:
      return "INVALID_PROTOBUF";
    case ORT_MODEL_LOADED:
      return "MODEL_LOADED";
    case ORT_NOT_IMPLEMENTED:
      return "NOT_IMPLEMENTED";
    case ORT_INVALID_GRAPH:
      return "INVALID_GRAPH";
    case ORT_EP_FAIL:
      return "EP_FAIL";
    case ORT_MODEL_LOAD_CANCELED:
      return "MODEL_LOAD_CANCELED";
    default:
      return "UNKNOWN";
  }
}

}  // namespace

Failure current_failure() {
  try {
    throw;
  } catch (const Ort::Exception& error) {
    return {name_of(error.GetOrtErrorCode()), error.what()};
  } catch (const std::bad_alloc&) {
    return {"NATIVE", "out of memory"};
  } catch (const std::exception& error) {
    return {"NATIVE", error.what()};
  } catch (...) {
    return {"NATIVE", "unknown error"};
  }
}

Napi::Error to_error(Napi::Env env, const Failure& failure) {
  auto error = Napi::Error::New(env, failure.text);
  error.Set("code", Napi::String::New(env, failure.code));
  return error;
}

}  // namespace minference::addon
