// Bugs, one a letter, that the fuzzers must catch: `run` tries each before it trusts the others.
#include <unistd.h>

#include <limits>
#include <stdexcept>
#include <vector>

#include "fuzz/harness.h"

namespace hourglass::fuzz {
namespace {

volatile int one = 1;
void* volatile kept = nullptr;

void overflow() {
  int most = std::numeric_limits<int>::max();
  one = most + one;
}

void read_behind() {
  const std::vector<char> bytes(static_cast<std::size_t>(one));
  one = bytes.data()[one];
}

void hang() {
  while (one == 1) {
  }
}

void plant(char bug) {
  switch (bug) {
    case 'a':  // one byte of text, 65 MB
      refusal(1, [] { const std::vector<char> bytes(65'000'000); });
      break;
    case 'd':
      refusal(1, [] { one = ::dup(0); });
      break;
    case 'e':
      refusal(1, [] { throw std::runtime_error("not ours"); });
      break;
    case 'h':
      hang();
      break;
    case 'l':
      kept = new char[10];
      kept = nullptr;
      break;
    case 'n':
      refusal(1, [] { throw Error("two\nlines"); });
      break;
    case 'o':
      read_behind();
      break;
    case 'u':
      overflow();
      break;
    default:
      refusal(1, [] { const std::vector<char> bytes(63'000'000); });
      refusal(1, [] { throw Error("one line"); });
  }
}

}  // namespace
}  // namespace hourglass::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 1) hourglass::fuzz::plant(static_cast<char>(*data));
  return 0;
}
