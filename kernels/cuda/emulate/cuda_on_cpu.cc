#include "cuda_on_cpu.h"

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fibers.h"

namespace minference::cuda::emulate {

Position position;
int linear_thread = 0;

namespace {

constexpr size_t kMostShared = 227 * 1024;  // a block's share of Hopper's shared memory
constexpr int kQueues = 3, kBarriers = 16;
using Work = std::function<void()>;

struct Queue {
  std::deque<std::vector<Work>> groups;
  std::vector<Work> open;
};

struct Thread {
  Fiber fiber;
  uint3 index;
  bool done = false;
  const char* where = "";
  Queue queues[kQueues];
  std::vector<std::pair<int, const void*>> handed_over;
};

struct Barrier {
  int arrived = 0;
  uint64_t generation = 0;
};

// Lanes of one mask that meet again and again; two buffers, since a lane may show the next while others still read.
struct Meeting {
  unsigned arrived = 0;
  uint64_t generation = 0;
  const char* what = "";
  alignas(16) unsigned char data[2][32 * kPayload];
};

struct Block {
  std::vector<std::unique_ptr<Thread>> threads;
  int live = 0;
  void* scheduler = nullptr;  // stack pointer of run_grid
  Barrier barriers[kBarriers];
  int synced = 0;  // of __syncthreads
  uint64_t sync_generation = 0;
  std::vector<std::map<unsigned, Meeting>> meetings;  // per warp
  std::deque<std::pair<const void*, Work>> pending;
  uint64_t serial = 0;
  std::exception_ptr failure;
  int64_t idle = 0;  // yields since somebody got on
};

Block block;
const Work* kernel = nullptr;
dim3 block_dim, grid_dim;

std::unique_ptr<unsigned char, void (*)(void*)> shared_memory(nullptr, std::free);

void fail(const std::string& what) {
  std::string text = what + " in block (" + std::to_string(position.block.x) + ", " + std::to_string(position.block.y) +
                     ", " + std::to_string(position.block.z) + ")";
  std::map<std::string, std::pair<int, int>> places;  // count, one thread
  for (size_t t = 0; t < block.threads.size(); ++t) {
    if (block.threads[t]->done) continue;
    auto& place = places[block.threads[t]->where];
    if (place.first++ == 0) place.second = static_cast<int>(t);
  }
  for (const auto& [where, count] : places) {
    text += "\n  " + std::to_string(count.first) + " threads (first " + std::to_string(count.second) + ") at " + where;
  }
  std::fprintf(stderr, "emulator: %s\n", text.c_str());
  std::abort();  // other fibers' stacks cannot be unwound
}

void run_thread(int thread) {
  try {
    (*kernel)();
  } catch (...) {
    block.failure = std::current_exception();
  }
  Thread& self = *block.threads[thread];
  for (const Queue& queue : self.queues) {
    if (!queue.groups.empty() || !queue.open.empty()) {
      // Like real copies, they might land after the block is gone.
      if (&queue == &self.queues[0]) fail("a thread ended with cp.async under way");
      if (&queue == &self.queues[1]) fail("a thread ended with wgmma under way");
    }
  }
  self.done = true;
  --block.live;
  block.idle = 0;
  if (block.synced > 0 && block.synced == block.live) {
    block.synced = 0;
    ++block.sync_generation;
  }
  switch_fiber(&self.fiber.stack_pointer, block.scheduler);
}

// Threads take turns in this order; EMULATE_ORDER=reverse shows other races.
bool reversed() {
  static const bool value = [] {
    const char* order = std::getenv("EMULATE_ORDER");
    return order != nullptr && std::string(order) == "reverse";
  }();
  return value;
}

void run_block(const uint3& index) {
  const int count = static_cast<int>(block_dim.x * block_dim.y * block_dim.z);
  while (static_cast<int>(block.threads.size()) < count) block.threads.push_back(std::make_unique<Thread>());
  block.threads.resize(count);
  block.live = count;
  for (Barrier& barrier : block.barriers) barrier = {};
  block.synced = 0;
  block.meetings.assign((count + 31) / 32, {});
  block.pending.clear();
  ++block.serial;
  block.failure = nullptr;
  block.idle = 0;
  for (int t = 0; t < count; ++t) {
    Thread& thread = *block.threads[t];
    thread.done = false;
    thread.where = "start";
    for (Queue& queue : thread.queues) queue = {};
    thread.handed_over.clear();
    const unsigned n = static_cast<unsigned>(t);
    thread.index = {n % block_dim.x, n / block_dim.x % block_dim.y, n / block_dim.x / block_dim.y};
    thread.fiber.start(run_thread, t);
  }
  while (block.live > 0) {
    for (int i = 0; i < count; ++i) {
      const int t = reversed() ? count - 1 - i : i;
      if (block.threads[t]->done) continue;
      position = {block.threads[t]->index, index, block_dim, grid_dim};
      linear_thread = t;
      switch_fiber(&block.scheduler, block.threads[t]->fiber.stack_pointer);
      if (block.failure != nullptr) std::rethrow_exception(block.failure);
    }
  }
  while (!block.pending.empty()) {
    const Work work = std::move(block.pending.front().second);
    block.pending.pop_front();
    work();
  }
}

}  // namespace

void run_grid(dim3 grid, dim3 threads, size_t smem, const std::function<void()>& body) {
  const auto invalid = [](const char* what) { throw CudaError(std::string("launch: ") + what); };
  const uint64_t count = uint64_t{threads.x} * threads.y * threads.z;
  if (count == 0 || count > 1024) invalid("a block has 1 … 1024 threads");
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535) {
    invalid("the grid is empty or too large");
  }
  if (smem > kMostShared) invalid("more than 227 KB of shared memory");
  kernel = &body;
  block_dim = threads;
  grid_dim = grid;
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) {
        // Exactly as large as asked for, so that AddressSanitizer sees what lies beyond.
        const size_t bytes = (smem + 1023) / 1024 * 1024;
        shared_memory.reset(bytes == 0 ? nullptr : static_cast<unsigned char*>(std::aligned_alloc(1024, bytes)));
        if (bytes > 0) std::memset(shared_memory.get(), 0xff, bytes);
        run_block({x, y, z});
      }
    }
  }
}

unsigned char* dynamic_shared() { return shared_memory.get(); }

uint32_t shared_address(const void* pointer) {
  const auto distance = static_cast<const unsigned char*>(pointer) - shared_memory.get();
  if (shared_memory == nullptr || distance < 0 || distance > static_cast<ptrdiff_t>(kMostShared)) {
    throw CudaError("the address is not in dynamic shared memory: static arrays have no 32-bit address here");
  }
  return static_cast<uint32_t>(distance) + 1024;  // never 0
}

void* shared_pointer(uint32_t address) { return shared_memory.get() + (address - 1024); }

void made_progress() { block.idle = 0; }

void yield(const char* where) {
  Thread& self = *block.threads[linear_thread];
  self.where = where;
  if (++block.idle > 200 * static_cast<int64_t>(block.threads.size()) + 100000) fail("nobody can go on");
  switch_fiber(&self.fiber.stack_pointer, block.scheduler);
}

void barrier_sync(int id, int threads) {
  Barrier& barrier = block.barriers[id];
  const uint64_t generation = barrier.generation;
  barrier_arrive(id, threads);
  wait_until("named barrier", [&] { return barrier.generation != generation; });
}

void barrier_arrive(int id, int threads) {
  if (id < 0 || id >= kBarriers || threads <= 0 || threads % 32 != 0) fail("a bad named barrier");
  Barrier& barrier = block.barriers[id];
  if (++barrier.arrived < threads) return;
  if (barrier.arrived > threads) fail("more threads at a named barrier than it counts");
  barrier.arrived = 0;
  ++barrier.generation;
  made_progress();
}

void sync_threads() {
  const uint64_t generation = block.sync_generation;
  if (++block.synced == block.live) {
    block.synced = 0;
    ++block.sync_generation;
    made_progress();
    return;
  }
  wait_until("__syncthreads", [&] { return block.sync_generation != generation; });
}

WarpView warp_meet(const char* what, unsigned mask, const void* mine, size_t bytes) {
  const int self = lane();
  if (!(mask >> self & 1)) fail(std::string(what) + ": a lane is not in its own mask");
  Meeting& meeting = block.meetings[warp()][mask];
  const uint64_t generation = meeting.generation;
  unsigned char* data = meeting.data[generation % 2];
  if (meeting.arrived == 0) {
    meeting.what = what;
  } else if (std::string(meeting.what) != what) {
    fail(std::string("lanes of a warp meet at ") + meeting.what + " and " + what);
  }
  if (bytes > 0) std::memcpy(data + self * kPayload, mine, bytes);
  meeting.arrived |= 1u << self;
  if (meeting.arrived == mask) {
    meeting.arrived = 0;
    ++meeting.generation;
    made_progress();
  } else {
    wait_until(what, [&] { return meeting.generation != generation; });
  }
  return {data};
}

bool late() {
  static const bool value = [] {
    const char* mode = std::getenv("EMULATE_ASYNC");
    return mode == nullptr || std::string(mode) != "eager";
  }();
  return value;
}

void enqueue(int queue, Work work) {
  if (late()) {
    block.threads[linear_thread]->queues[queue].open.push_back(std::move(work));
  } else {
    work();
  }
}

void commit_group(int queue) {
  Queue& own = block.threads[linear_thread]->queues[queue];
  own.groups.push_back(std::move(own.open));
  own.open.clear();
}

void wait_groups(int queue, int may_remain) {
  Thread& self = *block.threads[linear_thread];
  for (size_t i = 0; i < self.handed_over.size(); ++i) {
    if (self.handed_over[i].first == queue) drain_block(self.handed_over[i].second);
  }
  std::erase_if(self.handed_over, [=](const auto& entry) { return entry.first == queue; });
  Queue& own = self.queues[queue];
  while (static_cast<int>(own.groups.size()) > may_remain) {
    const std::vector<Work> group = std::move(own.groups.front());
    own.groups.pop_front();
    for (const Work& work : group) work();
  }
}

void wait_all(int queue) {
  commit_group(queue);
  wait_groups(queue, 0);
}

void enqueue_block(const void* mbarrier, Work work) {
  if (late()) {
    block.pending.emplace_back(mbarrier, std::move(work));
  } else {
    work();
    made_progress();
  }
}

void drain_block(const void* mbarrier) {
  std::vector<Work> ready;
  std::erase_if(block.pending, [&](auto& entry) {
    if (entry.first != mbarrier) return false;
    ready.push_back(std::move(entry.second));
    return true;
  });
  for (const Work& work : ready) {
    work();
    made_progress();
  }
}

void hand_over(int queue, const void* mbarrier, Work then) {
  Thread& self = *block.threads[linear_thread];
  Queue& own = self.queues[queue];
  std::vector<Work> all;
  for (auto& group : own.groups) all.insert(all.end(), group.begin(), group.end());
  all.insert(all.end(), own.open.begin(), own.open.end());
  own = {};
  self.handed_over.emplace_back(queue, mbarrier);
  enqueue_block(mbarrier, [all = std::move(all), then = std::move(then)] {
    for (const Work& work : all) work();
    then();
  });
}

uint64_t block_serial() { return block.serial; }

}  // namespace minference::cuda::emulate
