#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace hourglass {

/// Memory of a backend: an address that only that backend may read or write. A host pointer does not
/// convert to it. Backends and kernels call raw(); nothing above them does.
template <class T>
class Ptr {
 public:
  constexpr Ptr() = default;
  constexpr explicit Ptr(T* address) : address_(address) {}
  template <class U>
    requires(std::is_same_v<T, const U>)
  constexpr Ptr(Ptr<U> other) : address_(other.raw()) {}  // NOLINT: widening to const is harmless

  constexpr T* raw() const { return address_; }
  constexpr T& operator[](std::int64_t i) const { return address_[i]; }
  constexpr Ptr operator+(std::int64_t n) const { return Ptr(address_ + n); }
  constexpr explicit operator bool() const { return address_ != nullptr; }

 private:
  T* address_ = nullptr;
};

/// A row-major matrix in a backend's memory: element (r, c) is data[r * stride + c].
template <class T>
struct Matrix {
  Ptr<T> data;
  std::int64_t stride = 0;  ///< elements between rows

  constexpr T* row(std::int64_t r) const { return data.raw() + r * stride; }
  constexpr operator Matrix<const T>() const  // NOLINT: widening to const is harmless
    requires(!std::is_const_v<T>)
  {
    return {data, stride};
  }
};

/// Rows of activations and weights are padded with zeros to a multiple of this many floats (one
/// cache line, one AVX-512 vector), so that kernels read and write whole vectors.
inline constexpr std::int64_t kRowAlignment = 16;

constexpr std::int64_t padded(std::int64_t width) {
  return (width + kRowAlignment - 1) / kRowAlignment * kRowAlignment;
}

}  // namespace hourglass
