#pragma once

#include <cstring>
#include <string>

namespace emulator {

/// The exit code of a program that the emulator stopped, or that left something behind.
inline constexpr int kFaultExitCode = 86;

/// A place in a kernel's source.
struct Site {
  const char* file;
  int line;

  bool operator==(const Site& other) const {
    return line == other.line && (file == other.file || std::strcmp(file, other.file) == 0);
  }
};

/// Prints "emulator: error: " and the message, which thread of which kernel was at fault where one
/// was running, and the seed of the order; ends the program with kFaultExitCode. For what a card
/// would get wrong in silence, or report later and elsewhere. What CUDA reports is a status.
[[noreturn, gnu::format(printf, 1, 2)]] void die(const char* format, ...);

/// "function at file:line" of an address in this program, as far as its symbols tell.
std::string describe_code(const void* address);

/// A setting from the environment, a whole number of at least `least`; `otherwise` where it is not
/// set or empty. Anything else ends the program: a lane must not run without its setting.
long long setting(const char* name, long long least, long long otherwise);

}  // namespace emulator
