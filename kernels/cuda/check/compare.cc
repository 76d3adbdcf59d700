#include <cmath>

#include "report.h"

namespace minference::cuda::check_kernels {

std::string compare(const std::vector<float>& actual, const std::vector<float>& expected, const Tolerance& tolerance,
                    double* deviation) {
  if (actual.size() != expected.size()) return "different sizes";
  double difference = 0, norm = 0, dot = 0, actual_norm = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double a = actual[i], e = expected[i];
    const auto at = [&](const char* what) {
      return std::string(what) + " at " + std::to_string(i) + ": expected " + std::to_string(e) + ", found " +
             std::to_string(a);
    };
    if (!std::isfinite(a) || !std::isfinite(e)) {
      if (a == e || (std::isnan(a) && std::isnan(e))) continue;
      return at("anomaly");
    }
    if (std::abs(a - e) > tolerance.absolute + tolerance.relative * std::abs(e)) return at("element");
    difference += (a - e) * (a - e);
    norm += e * e;
    dot += a * e;
    actual_norm += a * a;
  }
  const double relative = norm > 0 ? std::sqrt(difference / norm) : std::sqrt(difference);
  if (deviation != nullptr) *deviation = relative;
  if (relative > tolerance.norm) return "norm of the difference " + std::to_string(relative);
  if (norm > 0 && dot / std::sqrt(norm * actual_norm) < 1 - 1e-4) return "another direction";
  return "";
}

}  // namespace minference::cuda::check_kernels
