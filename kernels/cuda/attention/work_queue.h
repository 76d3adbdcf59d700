// The items of a call's two launches of an attention kernel: all of them, then those that came out spoiled.
#pragma once

#include "../plan/planner.h"

namespace minference::cuda {

// From which the thread blocks of a persistent grid take one item after the other.
struct WorkQueue {
  const WorkItem* items;
  int64_t num_items;  // of the second launch: at most; *SpoiledItems::count tells
  int32_t* next;      // the item to take next (atomicAdd)
};

// Items with elements of the output that are not finite though their rows' scores are numbers. That may be right, or
// come of 0 times a value that is not finite; the second launch multiplies them as attention/anomalies.cuh does.
struct SpoiledItems {
  WorkItem* items;
  int32_t* count;
  uint32_t* listed;  // a bit for each item of the call
  int64_t items_per_head;
};

struct WorkQueues {
  WorkQueue all, again;
  SpoiledItems spoiled;
};

// `heads`: of the whole batch. Both queues start at their first item, and nothing is spoiled.
WorkQueues make_queues(const Schedule& schedule, int64_t heads, const Context& context);

}  // namespace minference::cuda
