#include "emulator/arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <vector>

#include "emulator/race_detector.h"
#include "emulator/report.h"
#include "emulator/sanitizers.h"

namespace emulator {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kAlignment = 256;
constexpr std::size_t kUnmappedBetween = 16 * kPage;
constexpr std::size_t kAddresses = std::size_t{1} << 40;
constexpr char kUnwritten = '\xFF';

std::size_t rounded_up(std::size_t n, std::size_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

/// A file of so many bytes 0xFF: mapped, its pages are copied when they are first written, so that
/// an allocation of many megabytes has this content and costs nothing.
constexpr std::size_t kFileBytes = std::size_t{1} << 20;
int unwritten_file() {
  static const int file = [] {
    const int created = memfd_create("unwritten", MFD_CLOEXEC);
    const std::vector<char> content(kFileBytes, kUnwritten);
    if (created < 0 || write(created, content.data(), kFileBytes) != ssize_t{kFileBytes}) {
      die("there is no memory for a file in memory of %zu bytes", kFileBytes);
    }
    return created;
  }();
  return file;
}

void unmap(char* begin, std::size_t bytes) {
  const void* const done =
      mmap(begin, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  if (done == MAP_FAILED) die("%zu bytes at %p cannot be unmapped", bytes, begin);
}

}  // namespace

Arena::Arena(const char* name) : name_(name) {
  void* const addresses =
      mmap(nullptr, kAddresses, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (addresses == MAP_FAILED) die("%zu bytes of addresses cannot be set aside", kAddresses);
  begin_ = next_ = static_cast<char*>(addresses);
  end_ = begin_ + kAddresses;
}

Arena::Pages Arena::pages_of(const char* begin, std::size_t bytes) {
  char* const end = const_cast<char*>(begin) + rounded_up(bytes, kAlignment);
  const std::size_t used = rounded_up(rounded_up(bytes, kAlignment), kPage);
  return {end - used, used};
}

void* Arena::allocate(std::size_t bytes) {
  const std::size_t padded = rounded_up(bytes, kAlignment);
  const Pages pages{next_, rounded_up(padded, kPage)};
  if (pages.bytes + kUnmappedBetween > static_cast<std::size_t>(end_ - next_)) {
    die("%s: no addresses are left that were never given", name_);
  }
  next_ += pages.bytes + kUnmappedBetween;
  for (std::size_t done = 0; done < pages.bytes; done += kFileBytes) {
    const void* const mapped =
        mmap(pages.begin + done, std::min(kFileBytes, pages.bytes - done), PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, unwritten_file(), 0);
    if (mapped == MAP_FAILED) die("%s: %zu bytes cannot be mapped", name_, bytes);
  }
  mark_uninitialised(pages.begin, pages.bytes);
  char* const begin = pages.begin + pages.bytes - padded;
  forbid_access(pages.begin, pages.bytes);
  allow_access(begin, bytes);
  allocations_.emplace(begin, bytes);
  bytes_in_use_ += bytes;
  return begin;
}

void Arena::require_untouched(const char* begin, const char* end, const char* caller) const {
  const std::size_t n = static_cast<std::size_t>(end - begin);
  allow_access(begin, n);
  mark_initialised(begin, n);
  const char* const touched = std::find_if(begin, end, [](char c) { return c != kUnwritten; });
  if (touched != end) {
    die("%s: somebody wrote %s", caller, describe(touched).c_str());
  }
}

void Arena::free(void* begin, const char* caller) {
  const auto found = allocations_.find(static_cast<char*>(begin));
  if (found == allocations_.end()) {
    die("%s(%p): no allocation begins there: it is %s", caller, begin, describe(begin).c_str());
  }
  const auto [at, bytes] = *found;
  const Pages pages = pages_of(at, bytes);
  require_untouched(pages.begin, at, caller);
  require_untouched(at + bytes, pages.begin + pages.bytes, caller);
  forbid_access(pages.begin, pages.bytes);
  unmap(pages.begin, pages.bytes);
  if (races::on) races::forget(pages.begin, pages.bytes);
  bytes_in_use_ -= bytes;
  allocations_.erase(found);
}

Arena::Allocations::const_iterator Arena::last_before(const void* address) const {
  const auto next = allocations_.upper_bound(static_cast<const char*>(address));
  return next == allocations_.begin() ? allocations_.end() : std::prev(next);
}

void Arena::require_inside(const void* begin, std::size_t bytes, const char* caller) const {
  if (bytes == 0) return;
  const auto found = last_before(begin);
  const auto* const from = static_cast<const char*>(begin);
  if (found == allocations_.end() || from + bytes > found->first + found->second) {
    die("%s: %zu bytes at %p are not all %s: they begin at %s", caller, bytes, begin, name_,
        describe(begin).c_str());
  }
}

void Arena::require_initialised(const void* begin, std::size_t bytes, const char* caller) const {
  const std::ptrdiff_t first = first_uninitialised(begin, bytes);
  if (first < 0) return;
  die("%s reads what was never written: %s", caller,
      describe(static_cast<const char*>(begin) + first).c_str());
}

std::string Arena::describe(const void* address) const {
  if (!owns(address)) return "memory of the host";
  const auto* const at = static_cast<const char*>(address);
  const auto name = [this](const Allocations::value_type& allocation) {
    char text[100];
    std::snprintf(text, sizeof text, "the %zu bytes of %s at %p", allocation.second, name_,
                  static_cast<const void*>(allocation.first));
    return std::string(text);
  };
  const auto found = last_before(address);
  if (found != allocations_.end()) {
    const auto offset = static_cast<std::size_t>(at - found->first);
    if (offset < found->second) return "byte " + std::to_string(offset) + " of " + name(*found);
    if (offset < rounded_up(found->second, kPage) + kUnmappedBetween / 2) {
      return std::to_string(offset - found->second + 1) + " bytes beyond the end of " +
             name(*found);
    }
  }
  const auto next = found == allocations_.end() ? allocations_.begin() : std::next(found);
  if (next != allocations_.end() && next->first - at < ssize_t{kUnmappedBetween / 2}) {
    return std::to_string(next->first - at) + " bytes before " + name(*next);
  }
  return std::string(name_) + " that is free";
}

void Arena::forbid_all() const {
  for (const auto& [begin, bytes] : allocations_) forbid_access(begin, bytes);
}

void Arena::allow_all() const {
  for (const auto& [begin, bytes] : allocations_) allow_access(begin, bytes);
}

void Arena::watch_races() const { races::watch(begin_, kAddresses); }

Arena& device_arena() {
  static auto* const arena = [] {
    auto* const made = new Arena("device memory");
    if (races::on) made->watch_races();
    return made;
  }();
  return *arena;
}

Arena& pinned_arena() {
  static auto* const arena = new Arena("pinned memory");
  return *arena;
}

}  // namespace emulator
