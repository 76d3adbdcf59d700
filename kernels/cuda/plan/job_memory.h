// Device memory of what jobs choose: their lists, and the columns gathered for attention.
#pragma once

#include <vector>

#include "call_shape.h"

namespace minference::cuda {

// Columns, diagonals, runs, kept blocks and tile counts of every job, in one allocation.
void place_lists(const CallShape& shape, std::vector<Job>& jobs, const Context& context);

// Keys and values of the columns of all vertical_slash jobs.
class ColumnMemory {
 public:
  // Each job's part, where the geometry has columns_in_place. Plans of one call are used one after the other, so that
  // they share the memory; it at least doubles when it grows.
  GatheredColumns place(const CallShape& shape, std::vector<Job>& jobs, const Context& context);

 private:
  GatheredColumns columns_{};  // as many rows as there is room for
};

}  // namespace minference::cuda
