// planted_bugs [BUG]: runs the code of every bug without it, or that of one with it. Exits with 1
// where a result is wrong, as a test would, and with 2 where there is no such bug.
#include "emulator/planted_bugs.h"

#include <cstdio>
#include <cstring>

int main(int n_arguments, char** arguments) {
  const char* const wanted = n_arguments > 1 ? arguments[1] : nullptr;
  int n_run = 0;
  bool right = true;
  for (const auto bugs :
       {planted::bugs_of_blocks(), planted::bugs_of_memory(), planted::bugs_of_streams()}) {
    for (const planted::Bug& bug : bugs) {
      if (wanted != nullptr && std::strcmp(wanted, bug.name) != 0) continue;
      ++n_run;
      if (bug.run(wanted != nullptr)) continue;
      std::fprintf(stderr, "wrong result: %s\n", bug.name);
      right = false;
    }
  }
  if (n_run == 0) return 2;
  return right ? 0 : 1;
}
