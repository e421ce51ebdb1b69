#include "emulator/segmentation_fault.h"

#include <signal.h>

#include <cstdlib>

#include "emulator/arena.h"
#include "emulator/fiber.h"
#include "emulator/report.h"
#include "emulator/sanitizers.h"

namespace emulator {
namespace {

// The program is lost, so that nothing here need be safe in a handler of signals.
void report(int, siginfo_t* info, void*) {
  const void* const address = info->si_addr;
  for (const Arena* arena : {&device_arena(), &pinned_arena()}) {
    if (arena->owns(address)) die("access to %p: %s", address, arena->describe(address).c_str());
  }
  if (below_a_stack(address)) {
    die("a CUDA thread needs more than %zu bytes of stack", kStackBytes);
  }
  signal(SIGSEGV, SIG_DFL);  // on return the access is tried again
}

}  // namespace

void report_segmentation_faults() {
  if (can_forbid_access()) return;
  // A handler cannot run on a stack that has no room left. The stack is this host thread's: the one
  // that kernels run on, unless the program hands the device from thread to thread.
  constexpr std::size_t kHandlerStack = 64 << 10;
  stack_t stack = {};
  stack.ss_sp = std::malloc(kHandlerStack);
  stack.ss_size = kHandlerStack;
  static void* kept;  // else a leak
  kept = stack.ss_sp;
  static_cast<void>(kept);
  sigaltstack(&stack, nullptr);
  struct sigaction action = {};
  action.sa_sigaction = report;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, nullptr);
}

}  // namespace emulator
