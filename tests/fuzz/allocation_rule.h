#pragma once

#include <cstddef>

// The rule that every fuzzer asserts: what is allocated and not yet freed stays, at every moment,
// within 10 times the uncompressed text read so far plus 64 MB. ASan's allocator tells of each
// allocation, of new and malloc, of every thread.
namespace hourglass::fuzz {

/// Holds from its birth to its end; what was allocated before does not count.
class AllocationRule {
 public:
  /// `text_bytes`: uncompressed text that counts as read from the beginning.
  explicit AllocationRule(std::size_t text_bytes);
  ~AllocationRule();
  AllocationRule(const AllocationRule&) = delete;
  AllocationRule& operator=(const AllocationRule&) = delete;
};

/// More uncompressed text was read.
void add_text(std::size_t bytes);

}  // namespace hourglass::fuzz
