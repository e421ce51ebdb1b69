#include "emulator/leaks.h"

#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>

#include "emulator/arena.h"
#include "emulator/cublas_handle.h"
#include "emulator/event.h"
#include "emulator/graph.h"
#include "emulator/report.h"
#include "emulator/stream.h"

namespace emulator {
namespace {

void report_leaks() {
  const struct {
    const char* name;
    std::size_t n;
  } kinds[] = {
      {"allocations of device memory", device_arena().n_allocations()},
      {"allocations of pinned memory", pinned_arena().n_allocations()},
      {"streams", n_streams()},
      {"events", n_events()},
      {"graphs", n_graphs()},
      {"executable graphs", n_executable_graphs()},
      {"cuBLAS handles", n_cublas_handles()},
  };
  bool any = false;
  for (const auto& [name, n] : kinds) {
    if (n == 0) continue;
    std::fprintf(stderr, "emulator: error: the program ends and has not freed %zu %s\n", n, name);
    any = true;
  }
  if (!any) return;
  std::fflush(nullptr);
  _exit(kFaultExitCode);
}

}  // namespace

// The first call of the runtime registers it: objects that hold memory of the device and live as
// long as the program are made later, and so are gone when it runs.
void report_leaks_at_exit() { std::atexit(report_leaks); }

}  // namespace emulator
