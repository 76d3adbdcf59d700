#include "work_queue.h"

#include "../common/check.h"
#include "../plan/arena.h"

namespace minference::cuda {

WorkQueues make_queues(const Schedule& schedule, int64_t heads, const Context& context) {
  WorkQueues queues{};
  const auto words = static_cast<size_t>((schedule.num_items + 31) / 32);
  int32_t* counters;  // of both queues, of what is spoiled, and its bits
  Arena arena;
  arena.add(counters, 3 + words);
  arena.add(queues.spoiled.items, static_cast<size_t>(schedule.num_items));
  arena.allocate(context);
  check(cudaMemsetAsync(counters, 0, (3 + words) * sizeof(int32_t), context.stream), "resetting the queues");
  queues.spoiled.count = counters + 2;
  queues.spoiled.listed = reinterpret_cast<uint32_t*>(counters + 3);
  queues.spoiled.items_per_head = schedule.num_items / heads;
  queues.all = {schedule.items, schedule.num_items, counters};
  queues.again = {queues.spoiled.items, schedule.num_items, counters + 1};
  return queues;
}

}  // namespace minference::cuda
