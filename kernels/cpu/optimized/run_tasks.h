#pragma once

#include <functional>

#include "minference/params.h"

namespace minference::cpu {

// Runs task(0) … task(count - 1) in that order of start, each on whichever worker is free next: with tasks ordered
// longest first, no worker idles long. `make_worker` is called once per worker and returns the function that runs a
// task with that worker's scratch memory. The first exception of a task is rethrown after all have ended.
using TaskRunner = std::function<void(int64_t task)>;
void run_tasks(const ParallelFor& parallel, int64_t count, const std::function<TaskRunner()>& make_worker);

// For a few microseconds of work, where waking other threads costs more than it brings.
void run_tasks_inline(int64_t count, const std::function<TaskRunner()>& make_worker);

}  // namespace minference::cpu
