// Compares the CUDA kernels with the CPU reference, without ONNX Runtime: on a GPU, or on the CPU with the emulator.
// usage: minference_check [--small] [--list] [PART OF A NAME …]
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>

#include "report.h"

using minference::cuda::check_kernels::Check;

namespace {

bool is_wanted(const Check& check, const std::vector<const char*>& parts) {
  if (parts.empty()) return true;
  for (const char* part : parts) {
    if (check.name.find(part) != std::string::npos) return true;
  }
  return false;
}

bool passes(const Check& check) {
  const auto started = std::chrono::steady_clock::now();
  std::string note, problem;
  try {
    problem = check.run(note);
  } catch (const std::exception& error) {
    problem = error.what();
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - started;
  std::printf("%s  %-60s %6.2f s  %s\n", problem.empty() ? "ok  " : "FAIL", check.name.c_str(), elapsed.count(),
              problem.empty() ? note.c_str() : problem.c_str());
  std::fflush(stdout);
  return problem.empty();
}

}  // namespace

int main(int argc, char** argv) {
  bool small = false, list = false;
  std::vector<const char*> parts;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--small") == 0) {
      small = true;
    } else if (std::strcmp(argv[i], "--list") == 0) {
      list = true;
    } else {
      parts.push_back(argv[i]);
    }
  }
  std::vector<Check> checks;
#ifndef MINFERENCE_ONLY_PTX
  minference::cuda::check_kernels::add_rope_checks(checks);
#endif
#if !defined(MINFERENCE_ONLY_ROPE) && !defined(MINFERENCE_ONLY_PTX)
  minference::cuda::check_kernels::add_attention_checks(checks);
  minference::cuda::check_kernels::add_probe_checks(checks);
  minference::cuda::check_kernels::add_walk_checks(checks);
#endif
#ifndef MINFERENCE_ONLY_ROPE
  minference::cuda::check_kernels::add_ptx_checks(checks);
#endif
  int failures = 0, runs = 0;
  for (const Check& check : checks) {
    if ((small && check.large) || !is_wanted(check, parts)) continue;
    if (list) {
      std::printf("%s\n", check.name.c_str());
      continue;
    }
    ++runs;
    if (!passes(check)) ++failures;
  }
  if (!list) std::printf("%d of %d checks passed\n", runs - failures, runs);
  return failures == 0 ? 0 : 1;
}
