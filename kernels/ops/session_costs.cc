#include "session_costs.h"

#include <algorithm>
#include <cmath>
#include <locale>
#include <sstream>
#include <string>

#include "checked_input.h"

namespace minference::ops {
namespace {

// Of text that the whole of is a number; NaN otherwise.
double to_number(const std::string& text) {
  std::istringstream stream(text);
  stream.imbue(std::locale::classic());
  double value = NAN;
  return stream >> value && stream.peek() == std::istringstream::traits_type::eof() ? value : NAN;
}

void set_field(CostModel& costs, const std::string& name, double value) {
  struct Field {
    const char* name;
    double CostModel::*member;
  };
  static constexpr Field kFields[] = {{"sparse_tile", &CostModel::sparse_tile},
                                      {"index_flop", &CostModel::index_flop},
                                      {"pooled_flop", &CostModel::pooled_flop},
                                      {"select_per_key", &CostModel::select_per_key},
                                      {"select_per_score", &CostModel::select_per_score},
                                      {"pack_per_column", &CostModel::pack_per_column},
                                      {"per_head", &CostModel::per_head}};
  for (const Field& field : kFields) {
    if (name != field.name) continue;
    costs.*field.member = value;
    return;
  }
  expect(name == "least_context", "expected a field of the cost model, found \"" + name + "\"");
  costs.least_context = static_cast<int64_t>(std::min(value, 1e18));
}

}  // namespace

CostModel session_costs(const Ort::ConstKernelInfo& info, const char* key, const CostModel& defaults) {
  CostModel costs = defaults;
  const Ort::KeyValuePairs entries = info.GetConfigEntries();
  const char* entry = entries.GetValue(key);
  if (entry == nullptr) return costs;
  std::istringstream words(entry);
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    const double value = equals == std::string::npos ? NAN : to_number(word.substr(equals + 1));
    expect(std::isfinite(value) && value >= 0,
           std::string("expected ") + key + " to be name=number pairs, found \"" + word + "\"");
    set_field(costs, word.substr(0, equals), value);
  }
  return costs;
}

}  // namespace minference::ops
