#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

// What the program says. Results go to stdout, and their loss is an error: exit 1, or a silent end
// by SIGPIPE where their reader has gone. Text for people goes to stderr, and its loss stops
// nothing: nobody's closed terminal or full pipe may end a training.
namespace hourglass::cli {

/// Call it first. Where stdin, stdout or stderr is closed its number is taken, or the next file
/// that is opened would get it, and the program's output.
void hold_standard_streams();

/// Results, to stdout. A failure is kept for finish_results(): a command goes on to write its
/// files.
void print(std::string_view text);

template <class First, class... Args>
void print(fmt::format_string<First, Args...> format, First&& first, Args&&... args) {
  print(std::string_view(
      fmt::format(format, std::forward<First>(first), std::forward<Args>(args)...)));
}

/// Throws Error where results did not reach stdout, so far or now.
void finish_results();

/// Text for people, to stderr.
void tell(std::string_view text) noexcept;

template <class First, class... Args>
void tell(fmt::format_string<First, Args...> format, First&& first, Args&&... args) {
  tell(std::string_view(
      fmt::format(format, std::forward<First>(first), std::forward<Args>(args)...)));
}

/// `text` in one line: control characters, which a file's name may have, as \n or \x1b.
std::string in_one_line(std::string_view text);

}  // namespace hourglass::cli
