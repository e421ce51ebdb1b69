#include "hourglass/core/available_memory.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "support/error_text.h"
#include "support/temp_folder.h"

namespace hourglass {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

/// A machine of files.
class AvailableMemoryTest : public testing::Test {
 protected:
  void put(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    test::put_bytes(folder_ / name, text);
  }
  void put_v2(const std::string& path, const std::string& max, std::uint64_t current,
              std::uint64_t inactive, std::uint64_t active) const {
    const std::string cgroup = "sys/fs/cgroup/" + path;
    put(cgroup + "memory.max", max + "\n");
    put(cgroup + "memory.current", std::to_string(current) + "\n");
    put(cgroup + "memory.stat", "anon 12\nfile 77\ninactive_anon 5\nactive_anon 5\ninactive_file " +
                                    std::to_string(inactive) + "\nactive_file " +
                                    std::to_string(active) + "\n");
  }
  AvailableMemory available(const ProcessLimits& limits = {}) const {
    return available_memory(folder_.path(), limits);
  }

  const test::TempFolder folder_;
};

TEST_F(AvailableMemoryTest, NothingKnownIsNoLimit) { EXPECT_EQ(available().bytes, kNoMemoryLimit); }

TEST_F(AvailableMemoryTest, WhatTheMachineHasFree) {
  put("proc/meminfo",
      "MemTotal:   24683656 kB\nMemFree:  100 kB\nMemAvailable:    2048 kB\nSwapFree: 99999 kB\n");
  EXPECT_EQ(available().bytes, 2 * kMiB) << "swap is none";
  EXPECT_EQ(available().limit, "free memory");
}

TEST_F(AvailableMemoryTest, TheTightestCgroupOfThoseItIsIn) {
  put("proc/meminfo", "MemAvailable: 1048576 kB\n");
  put("proc/self/cgroup", "0::/system/job 7/step\n");
  put_v2("system/job 7/step/", "max", 50 * kMiB, 0, 0);
  EXPECT_EQ(available().limit, "free memory") << "max is no limit";
  put_v2("system/job 7/", std::to_string(100 * kMiB), 60 * kMiB, 7 * kMiB, 3 * kMiB);
  EXPECT_EQ(available().bytes, 50 * kMiB) << "the file cache can be had back";
  EXPECT_EQ(available().limit, "cgroup limit");
  put_v2("", std::to_string(90 * kMiB), 60 * kMiB, 0, 0);
  EXPECT_EQ(available().bytes, 30 * kMiB) << "the root of a container has a limit";
  put_v2("system/", std::to_string(10 * kMiB), 60 * kMiB, 20 * kMiB, 0);
  EXPECT_EQ(available().bytes, 0U) << "more in use than the limit";
  put_v2("other/", "1", 0, 0, 0);
  put_v2("system/", "max", 0, 0, 0);
  EXPECT_EQ(available().bytes, 30 * kMiB) << "another's is none of ours";
}

TEST_F(AvailableMemoryTest, CgroupV1) {
  put("proc/self/cgroup", "4:cpu,memory:/a/b\n3:memory_of_others:/c\n0::/\n");
  const std::string memory = "sys/fs/cgroup/memory/";
  const auto put_v1 = [&](const std::string& path, std::uint64_t limit, std::uint64_t usage) {
    put(memory + path + "memory.limit_in_bytes", std::to_string(limit));
    put(memory + path + "memory.usage_in_bytes", std::to_string(usage));
    // Without total_, it is the cgroup's own: those below it are missing.
    put(memory + path + "memory.stat",
        "inactive_file 1\nactive_file 1\ntotal_inactive_file 1048576\ntotal_active_file 2097152\n");
  };
  put_v1("a/b/", 9223372036854771712U, 5 * kMiB);
  put_v1("a/", 40 * kMiB, 20 * kMiB);
  put_v1("", 100 * kMiB, 10 * kMiB);
  EXPECT_EQ(available().bytes, 23 * kMiB);
}

TEST_F(AvailableMemoryTest, APathOfTheHostsIsLookedForInTheMountAlone) {
  put("proc/self/cgroup", "4:memory:/docker/0123456789ab\n");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "2097152");
  put("sys/fs/cgroup/memory/memory.usage_in_bytes", "1048576");
  EXPECT_EQ(available().bytes, kMiB);
}

TEST_F(AvailableMemoryTest, OwnLimitsLessWhatIsInUse) {
  put("proc/self/status", "VmPeak:  9999 kB\nVmSize:\t    3072 kB\nVmData:\t 1024 kB\n");
  const AvailableMemory by_space = available({.address_space = 5 * kMiB, .data = 10 * kMiB});
  EXPECT_EQ(by_space.bytes, 2 * kMiB);
  EXPECT_EQ(by_space.limit, "address space limit, ulimit -v");
  const AvailableMemory by_data = available({.address_space = 5 * kMiB, .data = 2 * kMiB});
  EXPECT_EQ(by_data.bytes, kMiB);
  EXPECT_EQ(by_data.limit, "data limit, ulimit -d");
  EXPECT_EQ(available({.address_space = kMiB}).bytes, 0U);
}

TEST(RequireMemory, SaysBothNumbers) {
  require_memory(1, "a byte", "have one");
  const std::string text = test::error_text(
      [] { require_memory(std::uint64_t{1} << 62, "the training", "lower --batch-size"); });
  EXPECT_TRUE(text.starts_with("the training needs 4398046511105 MiB of memory, and ")) << text;
  EXPECT_TRUE(text.ends_with("): lower --batch-size")) << text;
  const AvailableMemory own = available_memory();
  EXPECT_GT(own.bytes, kMiB);
  EXPECT_LT(own.bytes, kNoMemoryLimit) << "this machine has /proc/meminfo";
}

}  // namespace
}  // namespace hourglass
