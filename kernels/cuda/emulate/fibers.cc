#include "fibers.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <new>

#if !defined(__x86_64__)
#error "the emulator switches stacks on x86-64 only"
#endif

// rdi: where to save this stack pointer; rsi: the one to go on with.
asm(R"(
.text
.globl minference_switch_stack
.type minference_switch_stack, @function
minference_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size minference_switch_stack, .-minference_switch_stack
.globl minference_enter_fiber
.type minference_enter_fiber, @function
minference_enter_fiber:
  movq %r13, %rdi
  call *%r12
  ud2
.size minference_enter_fiber, .-minference_enter_fiber
)");
extern "C" void minference_switch_stack(void** from, void* to);
extern "C" void minference_enter_fiber();

namespace minference::cuda::emulate {
namespace {

constexpr size_t kStackBytes = 256 * 1024;

}  // namespace

void Fiber::start(void (*entry)(int), int argument) {
  if (stack_ == nullptr) {
    stack_ = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack_ == MAP_FAILED) throw std::bad_alloc();
  }
  // As minference_switch_stack left it: r15 … rbp, then the address to return to, with the stack 16-byte aligned there.
  auto* top = reinterpret_cast<uint64_t*>(static_cast<char*>(stack_) + kStackBytes) - 2;
  *--top = reinterpret_cast<uint64_t>(&minference_enter_fiber);
  for (const uint64_t value : {uint64_t{0}, uint64_t{0}, reinterpret_cast<uint64_t>(entry),
                               static_cast<uint64_t>(argument), uint64_t{0}, uint64_t{0}}) {  // rbp rbx r12 r13 r14 r15
    *--top = value;
  }
  stack_pointer = top;
}

Fiber::~Fiber() {
  if (stack_ != nullptr) munmap(stack_, kStackBytes);
}

void switch_fiber(void** from, void* to) { minference_switch_stack(from, to); }

}  // namespace minference::cuda::emulate
