#include "hourglass/core/available_memory.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <optional>

#include "hourglass/core/error.h"

namespace hourglass {
namespace {

namespace fs = std::filesystem;

std::uint64_t soft_limit(int resource) {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0 ||
      limit.rlim_cur == RLIM_INFINITY) {
    return kNoMemoryLimit;
  }
  return limit.rlim_cur;
}

std::uint64_t less(std::uint64_t limit, std::uint64_t used) {
  return limit > used ? limit - used : 0;
}

/// The only number of a file; none where there is no file, or where it says "max".
std::optional<std::uint64_t> number_of(const fs::path& path) {
  std::ifstream file(path);
  std::uint64_t number = 0;
  if (file >> number) return number;
  return std::nullopt;
}

/// The number behind `key` in a file of lines "KEY NUMBER ...".
std::optional<std::uint64_t> number_after(const fs::path& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    std::uint64_t number = 0;
    const std::size_t digits = line.find_first_of("0123456789", key.size());
    if (digits == line.npos) return std::nullopt;
    for (std::size_t i = digits; i < line.size() && line[i] >= '0' && line[i] <= '9'; ++i) {
      number = number * 10 + static_cast<std::uint64_t>(line[i] - '0');
    }
    return number;
  }
  return std::nullopt;
}

/// The names of one version's files.
struct CgroupFiles {
  const char *limit, *usage, *inactive_file, *active_file;
};
constexpr CgroupFiles kV2 = {"memory.max", "memory.current", "inactive_file ", "active_file "};
constexpr CgroupFiles kV1 = {"memory.limit_in_bytes", "memory.usage_in_bytes",
                             "total_inactive_file ", "total_active_file "};

std::optional<std::uint64_t> left_in(const fs::path& cgroup, const CgroupFiles& files) {
  const auto limit = number_of(cgroup / files.limit), usage = number_of(cgroup / files.usage);
  if (!limit || !usage) return std::nullopt;
  const std::uint64_t cache =
      number_after(cgroup / "memory.stat", files.inactive_file).value_or(0) +
      number_after(cgroup / "memory.stat", files.active_file).value_or(0);
  return less(*limit, less(*usage, cache));
}

/// The least that the cgroup at `path` and those above it leave. In a container without a
/// namespace of its own, `path` is the host's and not there; the mount itself is the container's.
std::optional<std::uint64_t> left_in_each(const fs::path& mount, fs::path path,
                                          const CgroupFiles& files) {
  std::optional<std::uint64_t> least;
  for (path = path.relative_path();; path = path.parent_path()) {
    if (const auto left = left_in(mount / path, files))
      least = std::min(*left, least.value_or(*left));
    if (path.empty()) return least;
  }
}

/// use(bytes) for every hierarchy that /proc/self/cgroup tells of: lines "ID:CONTROLLERS:PATH", of
/// v2 "0::PATH".
template <class Use>
void for_each_cgroup(const fs::path& root, const Use& use) {
  const fs::path mount = root / "sys/fs/cgroup";
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == line.npos || second == line.npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const fs::path path = line.substr(second + 1);
    std::optional<std::uint64_t> left;
    if (controllers == ",,") {
      left = left_in_each(mount, path, kV2);
    } else if (controllers.find(",memory,") != controllers.npos) {
      left = left_in_each(mount / "memory", path, kV1);
    }
    if (left) use(*left);
  }
}

}  // namespace

ProcessLimits ProcessLimits::own() { return {soft_limit(RLIMIT_AS), soft_limit(RLIMIT_DATA)}; }

AvailableMemory available_memory(const fs::path& root, const ProcessLimits& limits) {
  AvailableMemory available;
  const auto lower_to = [&](std::uint64_t bytes, const char* limit) {
    if (bytes < available.bytes) available = {bytes, limit};
  };
  constexpr std::uint64_t kKib = 1024;
  if (const auto kib = number_after(root / "proc/meminfo", "MemAvailable:")) {
    lower_to(*kib * kKib, "free memory");
  }
  for_each_cgroup(root, [&](std::uint64_t left) { lower_to(left, "cgroup limit"); });
  const auto own = [&](std::uint64_t limit, const char* used, const char* name) {
    if (limit == kNoMemoryLimit) return;
    lower_to(less(limit, number_after(root / "proc/self/status", used).value_or(0) * kKib), name);
  };
  own(limits.address_space, "VmSize:", "address space limit, ulimit -v");
  own(limits.data, "VmData:", "data limit, ulimit -d");
  return available;
}

void require_memory(std::uint64_t needed, std::string_view what, std::string_view remedy) {
  const AvailableMemory available = available_memory();
  if (needed <= available.bytes) return;
  throw Error(fmt::format("{} needs {} MiB of memory, and {} MiB are available ({}): {}", what,
                          (needed >> 20) + 1, available.bytes >> 20, available.limit, remedy));
}

}  // namespace hourglass
