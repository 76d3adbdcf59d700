// What checks find, and how values are compared.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace minference::cuda::check_kernels {

struct Tolerance {
  double absolute;
  double relative;
  double norm;  // |actual - expected| / |expected|
};

// Anomalies (infinities, NaN) must agree; every other element lies within absolute + relative·|expected|, and the whole
// within the norm. Returns what is wrong, or "" and how far off it is in `deviation`.
std::string compare(const std::vector<float>& actual, const std::vector<float>& expected, const Tolerance& tolerance,
                    double* deviation);

struct Check {
  std::string name;
  // "" when all is well; `note` goes into the table.
  std::function<std::string(std::string& note)> run;
  bool large = false;  // left out with --small: for the emulator and compute-sanitizer
};

void add_ptx_checks(std::vector<Check>& checks);
void add_rope_checks(std::vector<Check>& checks);
void add_attention_checks(std::vector<Check>& checks);
void add_probe_checks(std::vector<Check>& checks);
void add_walk_checks(std::vector<Check>& checks);

}  // namespace minference::cuda::check_kernels
