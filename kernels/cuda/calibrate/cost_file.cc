#include "cost_file.h"

#include <cuda_runtime_api.h>
#include <unistd.h>

#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <sstream>
#include <vector>

#include "../common/check.h"
#include "measure.h"

namespace minference::cuda {
namespace {

namespace fs = std::filesystem;

// src/runtime/cuda-costs.ts has the same name and fields. A change of the kernels' speed makes a new version.
constexpr const char* kSchema = "minference.cuda-costs/1";

struct Field {
  const char* name;
  std::function<double(const CostModel&)> get;
  std::function<void(CostModel&, double)> set;
};

const std::vector<Field>& fields() {
  static const std::vector<Field> all{
      {"sparse_tile", [](const CostModel& m) { return m.sparse_tile; },
       [](CostModel& m, double x) { m.sparse_tile = static_cast<float>(x); }},
      {"index_flop", [](const CostModel& m) { return m.index_flop; }, [](CostModel& m, double x) { m.index_flop = x; }},
      {"pooled_flop", [](const CostModel& m) { return m.pooled_flop; },
       [](CostModel& m, double x) { m.pooled_flop = x; }},
      {"select_per_key", [](const CostModel& m) { return m.select_per_key; },
       [](CostModel& m, double x) { m.select_per_key = x; }},
      {"select_per_score", [](const CostModel& m) { return m.select_per_score; },
       [](CostModel& m, double x) { m.select_per_score = x; }},
      {"per_head", [](const CostModel& m) { return m.per_head; }, [](CostModel& m, double x) { m.per_head = x; }},
      {"least_context", [](const CostModel& m) { return static_cast<double>(m.least_context); },
       [](CostModel& m, double x) { m.least_context = static_cast<int64_t>(x); }},
  };
  return all;
}

// The number after "name": in our own flat JSON.
std::optional<double> number_of(const std::string& text, const std::string& name) {
  const size_t at = text.find("\"" + name + "\":");
  if (at == std::string::npos) return std::nullopt;
  const char* begin = text.c_str() + at + name.size() + 3;
  char* end = nullptr;
  const double value = std::strtod(begin, &end);
  if (end == begin || !std::isfinite(value) || value < 0) return std::nullopt;
  return value;
}

void measure_once() {
  const char* wish = std::getenv("MINFERENCE_CUDA_COSTS");
  if (wish != nullptr && std::string(wish) == "default") return;
  try {
    int device = 0;
    cudaDeviceProp properties;
    check(cudaGetDevice(&device), "asking for the current device");
    check(cudaGetDeviceProperties(&properties, device), "asking for the CUDA device");
    const std::string path = cost_file_path(properties.name);
    std::optional<CostModel> model = path.empty() ? std::nullopt : read_cost_file(path);
    if (!model) {
      model = measure_costs();
      if (!path.empty()) write_cost_file(path, properties.name, *model);
    }
    set_cost_model(*model);
  } catch (const std::exception& error) {
    std::fprintf(stderr,
                 "minference: the CUDA kernels could not be timed (%s): dense or sparse goes by default costs\n",
                 error.what());
  }
}

}  // namespace

std::string cost_file_path(const std::string& device) {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  if ((cache == nullptr || *cache == 0) && (home == nullptr || *home == 0)) return "";
  const fs::path folder = cache != nullptr && *cache != 0 ? fs::path(cache) : fs::path(home) / ".cache";
  std::string name;
  for (const char c : device) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '-';
  return folder / "minference" / ("cuda-costs-" + name + ".json");
}

std::optional<CostModel> read_cost_file(const std::string& path) {
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  const std::string text = content.str();
  if (text.find(std::string("\"") + kSchema + "\"") == std::string::npos) return std::nullopt;
  CostModel model;
  for (const Field& field : fields()) {
    const std::optional<double> value = number_of(text, field.name);
    if (!value) return std::nullopt;
    field.set(model, *value);
  }
  return model;
}

bool write_cost_file(const std::string& path, const std::string& device, const CostModel& model) {
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  const std::string temporary = path + "." + std::to_string(getpid()) + ".tmp";
  {
    std::ofstream file(temporary);
    file << "{\n  \"schema\": \"" << kSchema << "\",\n  \"device\": \"" << device << "\"";
    file.precision(9);
    for (const Field& field : fields()) file << ",\n  \"" << field.name << "\": " << field.get(model);
    file << "\n}\n";
    file.flush();
    if (!file) error = std::make_error_code(std::errc::io_error);
  }
  if (!error) fs::rename(temporary, path, error);
  if (error) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
  }
  return !error;
}

// Where measuring fails, or with MINFERENCE_CUDA_COSTS=default, the defaults stay.
void ensure_cost_model() {
  static std::once_flag once;
  std::call_once(once, measure_once);
}

}  // namespace minference::cuda
