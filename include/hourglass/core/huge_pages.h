#pragma once

#include <cstddef>
#include <span>

namespace hourglass {

/// Asks for huge pages under memory that is about to be written for the first time: 512 times fewer
/// page faults. Advice alone: where it is refused, small pages serve.
void advise_huge_pages(std::span<const std::byte> memory);

/// Makes room for n elements at once, in huge pages where they are many.
template <class Vector>
void reserve_huge(Vector& vector, std::size_t n) {
  vector.reserve(n);
  advise_huge_pages({reinterpret_cast<const std::byte*>(vector.data()),
                     vector.capacity() * sizeof(typename Vector::value_type)});
}

}  // namespace hourglass
