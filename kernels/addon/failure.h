// What went wrong in native code, on its way to JavaScript: a code and a text, no C++ exception leaves the addon.
#pragma once

#include <napi.h>

#include <string>

#include "ort.h"

namespace minference::addon {

struct Failure {
  std::string code;  // ONNX Runtime's name of the error ("INVALID_GRAPH"), or "NATIVE" for our own checks
  std::string text;
};

// The exception being handled; call inside a catch block.
Failure current_failure();

// An Error with `code` and `message`.
Napi::Error to_error(Napi::Env env, const Failure& failure);

// Runs `body`; anything but a Napi::Error that it throws becomes one.
template <typename Body>
auto checked(Napi::Env env, Body&& body) {
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw to_error(env, current_failure());
  }
}

}  // namespace minference::addon
