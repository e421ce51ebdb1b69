#include "hourglass/devices/device.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>
#include <vector>

#include "hourglass/core/error.h"
#include "support/error_text.h"
#include "support/temp_folder.h"

namespace hourglass {
namespace {

using test::error_text;
using test::TempFolder;
using ::testing::Test;

bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

/// The fake modules are built beside this program (tests/devices/modules).
std::string fake_module(const std::string& name) {
  return HOURGLASS_FAKE_MODULES "/lib" + name + ".so";
}

class DeviceTest : public Test {
 protected:
  void SetUp() override { ::unsetenv("HOURGLASS_CUDA_MODULE"); }
  void TearDown() override { ::unsetenv("HOURGLASS_CUDA_MODULE"); }

  static void name_module(const std::string& path) {
    ::setenv("HOURGLASS_CUDA_MODULE", path.c_str(), 1);
  }

  /// `auto` must take the CPU and say `reason`; `cuda` must be refused with the same reason and a
  /// way out.
  static void expect_refused(const std::string& reason) {
    const Device device = open_device({.name = "auto", .threads = 1});
    EXPECT_EQ(device.backend->kind(), "cpu");
    EXPECT_TRUE(has(device.why, reason)) << device.why;
    EXPECT_EQ(device.why.find('\n'), std::string::npos) << device.why;
    const std::string text = error_text([] { open_device({.name = "cuda"}); });
    EXPECT_TRUE(has(text, device.why)) << text;
    EXPECT_TRUE(text.ends_with(", or choose the device cpu")) << text;
  }
};

TEST_F(DeviceTest, OpensTheCpuAndTheReferenceByName) {
  Device cpu = open_device({.name = "cpu", .threads = 2});
  EXPECT_EQ(cpu.backend->kind(), "cpu");
  EXPECT_TRUE(has(cpu.backend->description(), "2 threads")) << cpu.backend->description();
  EXPECT_EQ(cpu.why, "");
  Device reference = open_device({.name = "reference"});
  EXPECT_EQ(reference.backend->kind(), "reference");
  EXPECT_EQ(reference.why, "");
}

TEST_F(DeviceTest, TakesCudaWhereItsModuleOpensABackend) {
  name_module(fake_module("opens"));
  for (const char* name : {"auto", "cuda"}) {
    Device device = open_device({.name = name});
    EXPECT_EQ(device.backend->kind(), "cuda");
    EXPECT_EQ(device.why, "");
    Buffer<float> buffer(*device.backend, 3);
    buffer.upload(std::vector<float>{1, 2, 3});
    EXPECT_EQ(buffer.download(), (std::vector<float>{1, 2, 3}));
  }
}

TEST_F(DeviceTest, OpensNoModuleWhereTheCpuIsAskedFor) {
  name_module(fake_module("throws"));
  EXPECT_EQ(open_device({.name = "cpu", .threads = 1}).why, "");
  EXPECT_EQ(open_device({.name = "reference"}).why, "");
}

TEST_F(DeviceTest, PassesOnWhatTheModuleThrows) {
  name_module(fake_module("throws"));
  expect_refused("no NVIDIA driver, or one too old (error 35)");
}

TEST_F(DeviceTest, RefusesAModuleOfAnotherVersion) {
  name_module(fake_module("other_abi"));
  expect_refused("libother_abi.so is the CUDA module of another version");
}

TEST_F(DeviceTest, RefusesALibraryWithoutTheEntryPoint) {
  name_module(fake_module("no_entry"));
  expect_refused("libno_entry.so is no CUDA module of hourglass: it has no hourglass_open");
}

TEST_F(DeviceTest, NamesWhatAModuleNeedsAndTheMachineLacks) {
  name_module(fake_module("unresolved"));
  expect_refused("defined_nowhere");
}

TEST_F(DeviceTest, RefusesAFileThatIsNoLibrary) {
  const TempFolder folder;
  test::put_bytes(folder / "text.so", std::string(8192, 'x'));
  name_module(folder / "text.so");
  expect_refused(folder / "text.so");
}

TEST_F(DeviceTest, RefusesAPathWithNothingThere) {
  const TempFolder folder;
  name_module(folder / "missing.so");
  expect_refused(folder / "missing.so");
}

// dlopen would look a bare name up in the system's folders, where libz.so.1 is.
TEST_F(DeviceTest, TakesABareNameForAFileOfThisFolder) {
  name_module("libz.so.1");
  expect_refused("/libz.so.1: cannot open");
}

// With no module named, what `auto` finds depends on the machine; it must say so either way.
TEST_F(DeviceTest, SaysWhyAutoTookTheCpu) {
  for (const char* nothing : {"unset", "empty"}) {
    if (nothing == std::string("empty")) name_module("");
    const Device device = open_device({.name = "auto", .threads = 1});
    EXPECT_EQ(device.backend->kind() == "cpu", !device.why.empty()) << device.why;
    if (device.backend->kind() == "cuda") GTEST_SKIP() << "skipped: this machine has CUDA";
    expect_refused(device.why);
  }
}

TEST_F(DeviceTest, KnowsFourNames) {
  for (const char* name : {"", "CPU", "gpu", "cuda:0"}) {
    EXPECT_THROW(open_device({.name = name}), UsageError) << name;
  }
}

}  // namespace
}  // namespace hourglass
