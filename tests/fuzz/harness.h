#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "fuzz/allocation_rule.h"
#include "hourglass/core/error.h"

namespace hourglass::fuzz {

/// The bytes that libFuzzer gives: choices from the front, then the file.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}

  /// 0 at the end. Seeds are typed by hand: '@' is 64, so that "@A" chooses 0 and 1 of up to 64.
  unsigned byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  /// Up to the next `end`, which is passed; else all.
  std::string_view part(char end) {
    const std::size_t size = rest_.find(end);
    const std::string_view part = rest_.substr(0, size);
    rest_.remove_prefix(size == rest_.npos ? rest_.size() : size + 1);
    return part;
  }
  std::string_view rest() const { return rest_; }
  bool empty() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

/// A broken promise: libFuzzer keeps the input.
[[noreturn]] inline void fail(const char* what) {
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}
inline void expect(bool holds, const char* what) {
  if (!holds) fail(what);
}

/// Does `action`, under the allocation rule for `text_bytes` of text. The message of the Error that
/// it threw, one line; empty where it threw none. Anything else that is thrown ends the fuzzer.
template <class Action>
std::string refusal(std::size_t text_bytes, Action action) {
  const int descriptor = ::dup(0);  // the lowest that is free
  ::close(descriptor);
  std::string message;
  {
    const AllocationRule rule(text_bytes);
    try {
      action();
    } catch (const Error& error) {
      message = error.what();
      expect(!message.empty(), "an Error says what is wrong");
    }
  }
  const int after = ::dup(0);
  ::close(after);
  expect(after == descriptor, "every file is closed again");
  expect(message.find('\n') == message.npos, "an Error is one line");
  return message;
}

}  // namespace hourglass::fuzz
