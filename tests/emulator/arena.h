#pragma once

#include <cstddef>
#include <map>
#include <string>

namespace emulator {

/// Memory that is not the host's to use as it likes: the device's, or pinned. An allocation has its
/// exact size, 0xFF in every byte (a NaN as a float, -1 as an integer), and nothing of anybody's
/// around it. An access beyond its pages ends the program in any build, one beside it within them
/// under AddressSanitizer; a byte written there is found when it is freed. Addresses that were
/// freed are not given again.
class Arena {
 public:
  /// `name`: what its memory is called in messages.
  explicit Arena(const char* name);
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// Aligned to 256 bytes, as CUDA's is. Takes pages as they are touched: a large one is cheap.
  void* allocate(std::size_t bytes);
  /// Ends the program, naming the caller, where no allocation begins there, or where something
  /// beside it was written.
  void free(void* begin, const char* caller);

  bool owns(const void* address) const {
    const char* const at = static_cast<const char*>(address);
    return at >= begin_ && at < end_;
  }
  /// Ends the program, naming the caller, where these bytes do not all lie in one allocation.
  void require_inside(const void* begin, std::size_t bytes, const char* caller) const;

  /// The same of bytes that were never written, where that is tracked (MemorySanitizer).
  void require_initialised(const void* begin, std::size_t bytes, const char* caller) const;

  /// "byte 16 of the 64 bytes of device memory at 0x...", "12 bytes beyond the 64 bytes of ...".
  std::string describe(const void* address) const;

  std::size_t bytes_in_use() const { return bytes_in_use_; }
  std::size_t n_allocations() const { return allocations_.size(); }

  /// Under AddressSanitizer, nobody may touch any of it until allow_all().
  void forbid_all() const;
  void allow_all() const;
  /// Has the race detector look at accesses to it.
  void watch_races() const;

 private:
  using Allocations = std::map<const char*, std::size_t>;  // begin, bytes

  /// The whole pages of an allocation, which lies at their end.
  struct Pages {
    char* begin;
    std::size_t bytes;
  };
  static Pages pages_of(const char* begin, std::size_t bytes);
  void require_untouched(const char* begin, const char* end, const char* caller) const;
  /// The last allocation that begins at or before the address; end() where there is none.
  Allocations::const_iterator last_before(const void* address) const;

  const char* name_;
  char *begin_, *end_;  ///< of the addresses that are set aside
  char* next_;          ///< the first that was never given
  std::size_t bytes_in_use_ = 0;
  Allocations allocations_;
};

/// The device's global memory; the host's pinned memory.
Arena& device_arena();
Arena& pinned_arena();

}  // namespace emulator
