#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>

#include "ops/backends_under_test.h"
#include "ops/guarded_memory.h"
#include "reference/backend.h"

namespace hourglass::ops_test {

/// How far rounding may put a sum of n terms from another order's, over the sum of its terms'
/// absolute values.
inline double rounding(std::int64_t n) {
  return std::numeric_limits<float>::epsilon() * (4 + std::sqrt(static_cast<double>(n)));
}

/// A float holds every integer up to here.
inline constexpr double kExactIntegers = 1 << 24;

/// Of sums of absolute values: the case's integers are exact in any order.
inline void expect_largest_is_exact(const Results& magnitudes) {
  for (const auto& [name, sums] : magnitudes) {
    for (const double x : sums)
      ASSERT_TRUE(x <= kExactIntegers) << name << ": the case is too large";
  }
}

/// got == want, element by element; NaN differs from everything.
inline void expect_equal(const Results& got, const Results& want) {
  ASSERT_EQ(got.size(), want.size());
  for (const auto& [name, values] : want) {
    const std::vector<double>& other = got.at(name);
    ASSERT_EQ(other.size(), values.size()) << name;
    for (std::size_t i = 0; i < values.size(); ++i) {
      ASSERT_TRUE(other[i] == values[i])
          << name << "[" << i << "] is " << other[i] << " and not " << values[i];
    }
  }
}

/// |got - want| <= bound, for the arrays that have a bound.
inline void expect_within(const Results& got, const Results& want, const Results& bound) {
  for (const auto& [name, bounds] : bound) {
    const std::vector<double>&a = got.at(name), &b = want.at(name);
    ASSERT_EQ(a.size(), bounds.size()) << name;
    ASSERT_EQ(b.size(), bounds.size()) << name;
    for (std::size_t i = 0; i < bounds.size(); ++i) {
      const double error = std::abs(a[i] - b[i]);
      ASSERT_TRUE(error <= bounds[i]) << name << "[" << i << "] is " << a[i] << " and not " << b[i]
                                      << ": off by " << error << ", bound " << bounds[i];
    }
  }
}

inline void expect_same_bits(const Results& a, const Results& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, values] : a) {
    const std::vector<double>& other = b.at(name);
    ASSERT_EQ(other.size(), values.size()) << name;
    for (std::size_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(std::memcmp(&values[i], &other[i], sizeof(double)), 0)
          << name << "[" << i << "]: " << values[i] << " and " << other[i];
    }
  }
}

/// A test of an operation on one of the backends. A case is a struct with `name()` and
/// `Results run(Backend&) const`.
class OperationTest : public testing::TestWithParam<BackendUnderTest> {
 protected:
  Backend& backend() { return *backend_; }
  Backend& reference() { return reference_; }

  template <class Case>
  void expect_exact(const Case& c) {
    SCOPED_TRACE(c.name());
    expect_equal(c.run(backend()), c.run(reference()));
  }

  /// The same bits when run again, and from every backend that promises them.
  template <class Case>
  void expect_bits_of_twins(const Case& c) {
    SCOPED_TRACE(c.name());
    const Results once = c.run(backend());
    expect_same_bits(once, c.run(backend()));
    for (const BackendUnderTest& twin : twins(GetParam())) {
      SCOPED_TRACE(twin.name);
      expect_same_bits(once, c.run(*twin.open()));
    }
  }

 private:
  std::unique_ptr<Backend> backend_ = GetParam().open();
  hourglass::reference::ReferenceBackend reference_;
};

#define HOURGLASS_ON_EVERY_BACKEND(test)                                       \
  INSTANTIATE_TEST_SUITE_P(On, test, testing::ValuesIn(backends_under_test()), \
                           [](const auto& backend) { return backend.param.name; })

}  // namespace hourglass::ops_test
