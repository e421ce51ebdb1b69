#pragma once

#include <system_error>

namespace hourglass {

/// Throws the Error that says so, and what to do.
[[noreturn]] void throw_no_thread(const std::system_error& fault);

/// What start(), which starts a thread, returns. Where the machine refuses one (no memory for its
/// stack, too many processes), the Error that says so instead of a bare std::system_error.
template <class Start>
auto start_thread(const Start& start) {
  try {
    return start();
  } catch (const std::system_error& fault) {
    throw_no_thread(fault);
  }
}

}  // namespace hourglass
