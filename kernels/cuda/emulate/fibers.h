// Stacks and the switch between them: saves the callee-saved registers and changes the stack pointer. ucontext would
// enter the kernel at every switch, which a block of 384 threads does too often.
#pragma once

#include <cstddef>

namespace minference::cuda::emulate {

class Fiber {
 public:
  // Runs entry(argument) at the first switch_to; entry must never return.
  void start(void (*entry)(int), int argument);
  ~Fiber();

  void* stack_pointer = nullptr;

 private:
  void* stack_ = nullptr;
};

// Goes on where `to` stopped; returns when somebody switches back to `from`.
void switch_fiber(void** from, void* to);

}  // namespace minference::cuda::emulate
