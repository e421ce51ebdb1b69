#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>

namespace hourglass {

inline constexpr std::size_t kHugePage = std::size_t{1} << 21;

/// Asks for huge pages under memory that is about to be written for the first time: 512 times fewer
/// page faults. Advice alone: where it is refused, small pages serve.
void advise_huge_pages(const void* memory, std::size_t bytes);

/// As vector.reserve, for what will be filled at once.
template <class Vector>
void reserve_huge(Vector& vector, std::size_t n) {
  vector.reserve(n);
  advise_huge_pages(vector.data(), n * sizeof(typename Vector::value_type));
}

/// Memory for numbers, not yet written: no page of it exists before it is.
template <class T>
class HugeArray {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  explicit HugeArray(std::size_t n)
      : memory_(static_cast<T*>(::operator new(n * sizeof(T), alignment(n))),
                Delete{alignment(n)}) {
    advise_huge_pages(memory_.get(), n * sizeof(T));
  }
  T* data() const { return memory_.get(); }
  void reset() { memory_.reset(); }

 private:
  struct Delete {
    std::align_val_t alignment;
    void operator()(T* memory) const { ::operator delete(memory, alignment); }
  };
  static std::align_val_t alignment(std::size_t n) {
    return std::align_val_t{n * sizeof(T) < kHugePage ? alignof(std::max_align_t) : kHugePage};
  }

  std::unique_ptr<T, Delete> memory_;
};

}  // namespace hourglass
