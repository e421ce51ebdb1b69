#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>

namespace hourglass {

inline constexpr std::uint64_t kNoMemoryLimit = std::numeric_limits<std::uint64_t>::max();

/// What this process may map: its RLIMIT_AS and RLIMIT_DATA (ulimit -v and -d), in bytes.
struct ProcessLimits {
  std::uint64_t address_space = kNoMemoryLimit, data = kNoMemoryLimit;

  static ProcessLimits own();
};

struct AvailableMemory {
  std::uint64_t bytes = kNoMemoryLimit;
  std::string limit = "no limit is known";  ///< what leaves no more: for a message
};

/// How much more memory this process can have: the least of what the machine has free (without
/// swap: who passes over all of it at every step would wait for the disk), what each memory cgroup
/// that it is in, v1 or v2, leaves (its file cache can be had back), and its own limits. `root` is
/// where proc and sys/fs/cgroup are looked for. A file that is missing sets no limit.
AvailableMemory available_memory(const std::filesystem::path& root = "/",
                                 const ProcessLimits& limits = ProcessLimits::own());

/// Throws the Error "WHAT needs N MiB of memory, and M MiB are available (LIMIT): REMEDY" where
/// `needed` bytes are more than there are. A failed allocation would say less, and where memory is
/// promised beyond what there is, none fails: the process is killed.
void require_memory(std::uint64_t needed, std::string_view what, std::string_view remedy);

}  // namespace hourglass
