// The cost model of a device, measured once and kept in the user's cache folder.
#pragma once

#include <optional>
#include <string>

#include "../plan/cost_model.h"

namespace minference::cuda {

// `folder`/cuda-costs-<device>.json, `folder` being $XDG_CACHE_HOME/minference or ~/.cache/minference; empty where
// there is neither. Letters and digits of the device's name remain, all else becomes '-'.
std::string cost_file_path(const std::string& device);

// Nothing if the file is not there, of another version or incomplete.
std::optional<CostModel> read_cost_file(const std::string& path);

// By way of a temporary file. Returns whether it could be written: if not, the next process measures again.
bool write_cost_file(const std::string& path, const std::string& device, const CostModel& model);

}  // namespace minference::cuda
