#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include "hourglass/ops/backend.h"
#include "ops/host_data.h"

namespace hourglass::ops_test {

/// What an operation left in each array it may write, by name. A double holds every float and every
/// integer that occurs here.
using Results = std::map<std::string, std::vector<double>>;

enum class Access {
  kRead,     ///< must be as it was
  kWrite,    ///< stale (NaN) before; a result
  kUpdate,   ///< a result
  kScratch,  ///< stale before; no result
};

/// The arrays of one operation in a backend's memory, each between guards. What the operation may
/// not write must be as it was: guards, inputs, the padding of rows (zero, as all padding is), and
/// whatever lies between two rows beyond it. Guards and stale memory are NaN: whoever reads them
/// shows it.
class GuardedMemory {
 public:
  /// Rows of matrices lie padded(width) + extra_stride apart.
  explicit GuardedMemory(Backend& backend, std::int64_t extra_stride = 0)
      : backend_(&backend), extra_stride_(extra_stride) {}

  template <class T>
  Ptr<T> array(const std::string& name, const std::vector<T>& values, Access access) {
    const auto n = static_cast<std::int64_t>(values.size());
    return Ptr<T>(
        static_cast<T*>(add({name, kind<T>(), sizeof(T), n, 1, 1}, values.data(), 0, access)));
  }
  template <class T>
  Ptr<T> scratch(const std::string& name, std::int64_t size) {
    return array(name, std::vector<T>(static_cast<std::size_t>(size)), Access::kScratch);
  }
  template <class T>
  Ptr<T> written(const std::string& name, std::int64_t size) {
    return array(name, std::vector<T>(static_cast<std::size_t>(size)), Access::kWrite);
  }

  Matrix<float> matrix(const std::string& name, const HostMatrix& m, Access access) {
    const std::int64_t stride = padded(m.width) + extra_stride_;
    return {Ptr<float>(static_cast<float*>(
                add({name, Kind::kFloat, sizeof(float), m.n_rows, m.width, stride}, m.values.data(),
                    padded(m.width) - m.width, access))),
            stride};
  }
  Matrix<float> written(const std::string& name, std::int64_t n_rows, std::int64_t width) {
    return matrix(name, HostMatrix(n_rows, width), Access::kWrite);
  }
  /// A result without padding: not even the next element may be touched.
  Matrix<float> unpadded(const std::string& name, std::int64_t n_rows, std::int64_t width,
                         std::int64_t stride) {
    const HostMatrix m(n_rows, width);
    return {Ptr<float>(
                static_cast<float*>(add({name, Kind::kFloat, sizeof(float), n_rows, width, stride},
                                        m.values.data(), 0, Access::kWrite))),
            stride};
  }
  /// A result whose padding is anybody's: nothing reads it before it is masked.
  Matrix<float> loosely_padded(const std::string& name, std::int64_t n_rows, std::int64_t width) {
    const Matrix<float> m = written(name, n_rows, width);
    allow_padding();
    return m;
  }

  CsrPtr ratings(const HostBatch& batch);
  BatchRows batch(const HostBatch& batch);
  BatchColumns columns(const HostColumns& columns);

  /// Fails the test where something was written that may not be; the results.
  Results finish();

 private:
  enum class Kind { kFloat, kDouble, kInt32, kInt64, kOther };
  struct Shape {
    std::string name;
    Kind kind;
    std::size_t element;  ///< bytes
    std::int64_t n_rows, width, stride;
  };
  struct Range {
    std::size_t begin, end;  ///< bytes
  };
  struct Item {
    Shape shape;
    Access access;
    Buffer<std::uint8_t> memory;
    std::vector<std::uint8_t> before;
    std::vector<Range> may_change;  ///< ascending
    std::int64_t padding;
  };

  template <class T>
  static constexpr Kind kind() {
    if (std::is_same_v<T, float>) return Kind::kFloat;
    if (std::is_same_v<T, double>) return Kind::kDouble;
    if (std::is_same_v<T, std::int32_t>) return Kind::kInt32;
    return std::is_same_v<T, std::int64_t> ? Kind::kInt64 : Kind::kOther;
  }
  /// Copies [n_rows x width] into the backend's memory, `padding` zeros after each row.
  void* add(Shape shape, const void* values, std::int64_t padding, Access access);
  void allow_padding();
  void expect_untouched(const Item& item, const std::vector<std::uint8_t>& after) const;

  Backend* backend_;
  std::int64_t extra_stride_;
  std::vector<Item> items_;
};

}  // namespace hourglass::ops_test
