#include "emulator/report.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "emulator/block.h"
#include "emulator/random_order.h"
#include "emulator/sanitizers.h"

namespace emulator {
namespace {

std::string without_newline(std::string line) {
  while (!line.empty() && line.back() == '\n') line.pop_back();
  return line;
}

}  // namespace

void die(const char* format, ...) {
  std::fflush(stdout);
  std::fputs("emulator: error: ", stderr);
  va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::fputs("\n", stderr);
  print_running_thread();
  if (random_order()) {
    std::fprintf(stderr, "  HOURGLASS_EMULATOR_SEED=%llu\n", order_seed());
  }
  std::fflush(stderr);
  _exit(kFaultExitCode);
}

std::string describe_code(const void* address) {
  char text[64];
  std::snprintf(text, sizeof text, "code at %p", address);
  Dl_info object = {};
  if (dladdr(address, &object) == 0) return text;
  const std::string file =
      *object.dli_fname == '/' ? object.dli_fname : "/proc/" + std::to_string(getpid()) + "/exe";
  const auto offset =
      static_cast<const char*>(address) - static_cast<const char*>(object.dli_fbase);
  char place_in_file[32];
  std::snprintf(place_in_file, sizeof place_in_file, "0x%tx", offset);
  const std::string command = "addr2line -Cfe '" + file + "' " + place_in_file + " 2>/dev/null";
  std::string function, place;
  if (std::FILE* const answer = popen(command.c_str(), "r"); answer != nullptr) {
    char line[4096];
    for (std::string* part : {&function, &place}) {
      if (std::fgets(line, sizeof line, answer) == nullptr) break;
      mark_initialised(line, sizeof line);
      *part = without_newline(line);
    }
    pclose(answer);
  }
  if (function.empty() || function == "??") return text;
  return place.empty() || place.starts_with("??") ? function : function + " at " + place;
}

long long setting(const char* name, long long least, long long otherwise) {
  const char* const text = std::getenv(name);
  if (text == nullptr || *text == '\0') return otherwise;
  char* end = nullptr;
  errno = 0;
  const long long value = std::strtoll(text, &end, 10);
  if (errno != 0 || *end != '\0' || value < least) {
    die("%s is '%s' and not a whole number of at least %lld", name, text, least);
  }
  return value;
}

}  // namespace emulator
