// Tests of what ends a program start it anew, up to their statement: settings are read once, and
// the emulator's state is not that of a test before.
#include <gtest/gtest.h>

namespace {

class DeathTests : public testing::Environment {
 public:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

const testing::Environment* const registered =
    testing::AddGlobalTestEnvironment(new DeathTests);  // gtest deletes it

}  // namespace
