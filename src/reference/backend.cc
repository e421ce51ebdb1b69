#include "reference/backend.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "hourglass/core/error.h"

namespace hourglass::reference {

void* ReferenceBackend::allocate(std::size_t bytes) {
  void* memory = std::calloc(bytes == 0 ? 1 : bytes, 1);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void ReferenceBackend::deallocate(void* memory, std::size_t) noexcept { std::free(memory); }

void ReferenceBackend::copy_in(void* to, const void* from_host, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to, from_host, bytes);
}

void ReferenceBackend::copy_out(void* to_host, const void* from, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to_host, from, bytes);
}

}  // namespace hourglass::reference
