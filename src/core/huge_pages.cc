#include "hourglass/core/huge_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace hourglass {

void advise_huge_pages(const void* memory, std::size_t bytes) {
  if (bytes < kHugePage) return;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  // Whole pages inside the memory: what lies beside it is not ours.
  const auto first = reinterpret_cast<std::uintptr_t>(memory);
  const auto begin = (first + page - 1) / page * page;
  const auto end = (first + bytes) / page * page;
  ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

}  // namespace hourglass
