#include "fuzz/allocation_rule.h"

#include <sanitizer/allocator_interface.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace hourglass::fuzz {
namespace {

constexpr std::int64_t kFactor = 10, kFixed = 64'000'000;

std::atomic<bool> holds = false;
std::atomic<std::int64_t> live = 0, text = 0;

void allocated(const volatile void*, std::size_t size) {
  if (!holds.load(std::memory_order_relaxed)) return;
  const std::int64_t now = live += static_cast<std::int64_t>(size);
  const std::int64_t read = text.load();
  if (now <= kFactor * read + kFixed) return;
  holds = false;
  std::fprintf(stderr,
               "allocation rule: %lld bytes are allocated (%zu of them now), and only %lld bytes "
               "of text were read\n",
               static_cast<long long>(now), size, static_cast<long long>(read));
  std::abort();
}

void freed(const volatile void* memory) {
  if (memory == nullptr || !holds.load(std::memory_order_relaxed)) return;
  live -= static_cast<std::int64_t>(__sanitizer_get_allocated_size(memory));
}

}  // namespace

AllocationRule::AllocationRule(std::size_t text_bytes) {
  static const int installed = __sanitizer_install_malloc_and_free_hooks(allocated, freed);
  if (installed == 0) std::abort();  // nothing would be watched
  text = static_cast<std::int64_t>(text_bytes);
  live = 0;
  holds = true;
}

AllocationRule::~AllocationRule() { holds = false; }

void add_text(std::size_t bytes) { text += static_cast<std::int64_t>(bytes); }

}  // namespace hourglass::fuzz
