#pragma once

#include <gtest/gtest.h>

#include <string>

#include "hourglass/core/error.h"

namespace hourglass::test {

/// The message of the hourglass::Error that `action` throws: one line, or the test fails.
template <class Action>
std::string error_text(Action action) {
  try {
    action();
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_EQ(text.find('\n'), text.npos) << text;
    EXPECT_FALSE(text.empty());
    return text;
  }
  ADD_FAILURE() << "no Error was thrown";
  return {};
}

}  // namespace hourglass::test
