#include "emulator/fiber.h"

#include <pthread.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "emulator/report.h"
#include "emulator/sanitizers.h"

#ifndef __x86_64__
#error "say how this processor changes stacks"
#endif

// The registers that a call must leave as they were, by the System V ABI of x86-64, on the old
// stack and from the new. MXCSR and the x87 control word are the same in all threads of a kernel.
extern "C" void hourglass_emulator_switch(void** save_to, void* restore_from);
asm(R"(
.text
.globl hourglass_emulator_switch
.type hourglass_emulator_switch,@function
hourglass_emulator_switch:
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
.size hourglass_emulator_switch,.-hourglass_emulator_switch
)");

namespace emulator {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kSavedRegisters = 6;

std::vector<Fiber*>& fibers() {
  static auto* const all = new std::vector<Fiber*>;
  return *all;
}

}  // namespace

Fiber host_fiber() {
  Fiber host;
  pthread_attr_t attributes;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &host.stack, &host.stack_bytes);
  pthread_attr_destroy(&attributes);
  return host;
}

Fiber* make_fiber() {
  void* const memory = mmap(nullptr, kPage + kStackBytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) die("there is no memory for the stack of one more CUDA thread");
  mprotect(memory, kPage, PROT_NONE);
  auto* const fiber = new Fiber;
  fiber->stack = static_cast<char*>(memory) + kPage;
  fiber->stack_bytes = kStackBytes;
  fibers().push_back(fiber);
  return fiber;
}

void arm(Fiber& fiber, void (*entry)()) {
  auto* top = reinterpret_cast<void**>(static_cast<char*>(fiber.stack) + fiber.stack_bytes);
  // A call leaves the stack 8 below a multiple of 16: here the null that would be returned to.
  top -= 2;
  *--top = nullptr;
  *--top = reinterpret_cast<void*>(entry);
  top -= kSavedRegisters;
  std::memset(top, 0, kSavedRegisters * sizeof(void*));
  fiber.stack_pointer = top;
  fiber.fake_stack = nullptr;
}

void switch_fiber(Fiber& from, Fiber& to, bool from_is_finished) {
  before_stack_switch(from_is_finished ? nullptr : &from.fake_stack, to.stack, to.stack_bytes);
  hourglass_emulator_switch(&from.stack_pointer, to.stack_pointer);
  after_stack_switch(from.fake_stack);
}

void begin_turn() { after_stack_switch(nullptr); }

bool below_a_stack(const void* address) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  for (const Fiber* fiber : fibers()) {
    const auto stack = reinterpret_cast<std::uintptr_t>(fiber->stack);
    if (at >= stack - kPage && at < stack) return true;
  }
  return false;
}

}  // namespace emulator
