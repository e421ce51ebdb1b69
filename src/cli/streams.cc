#include "cli/streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <system_error>

#include "hourglass/core/error.h"

namespace hourglass::cli {
namespace {

int failed = 0;                     // errno of the first write to stdout that failed
bool ends_with_its_reader = false;  // SIGPIPE was not ignored when we came

void note_failure(bool ok) {
  if (!ok && failed == 0) failed = errno != 0 ? errno : EIO;
}

}  // namespace

void hold_standard_streams() {
  for (int number = 0; number <= 2; ++number) {
    if (::fcntl(number, F_GETFD) >= 0 || errno != EBADF) continue;
    // stdin is empty and stderr a drain; stdout cannot be written, so that the loss of results is
    // told. open() takes the lowest free number, which is this one.
    if (::open("/dev/null", number == STDERR_FILENO ? O_WRONLY : O_RDONLY) != number) ::_exit(1);
  }
  // A reader of messages that goes must not end us: tell() loses them, finish_results() decides.
  ends_with_its_reader = std::signal(SIGPIPE, SIG_IGN) == SIG_DFL;
}

void print(std::string_view text) {
  errno = 0;
  note_failure(std::fwrite(text.data(), 1, text.size(), stdout) == text.size());
}

void finish_results() {
  errno = 0;
  const bool flushed = std::fflush(stdout) == 0;
  note_failure(flushed && std::ferror(stdout) == 0);
  if (failed == 0) return;
  if (failed == EPIPE && ends_with_its_reader) {  // `| head`: it has seen enough
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
  }
  throw Error(fmt::format("stdout: cannot write the results: {}; give it a place with room",
                          std::generic_category().message(failed)));
}

void tell(std::string_view text) noexcept {
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), stderr));
}

std::string in_one_line(std::string_view text) {
  std::string line;
  unsigned char before = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    // U+0080 to U+009F are control characters too, of two bytes in UTF-8.
    const bool second_half = before == 0xC2 && byte >= 0x80 && byte <= 0x9F;
    if (c == '\n') {
      line += "\\n";
    } else if (byte < 0x20 || byte == 0x7f || second_half) {
      if (second_half) line.replace(line.size() - 1, 1, "\\xc2");
      line += fmt::format("\\x{:02x}", byte);
    } else {
      line += c;
    }
    before = byte;
  }
  return line;
}

}  // namespace hourglass::cli
