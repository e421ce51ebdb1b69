#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ops/backends_under_test.h"
#include "ops/guarded_memory.h"
#include "reference/backend.h"

namespace hourglass::ops_test {

/// How far rounding may put a sum of n terms from another order's, over the sum of its terms'
/// absolute values.
inline double rounding(std::int64_t n) {
  return std::numeric_limits<float>::epsilon() * (4 + std::sqrt(static_cast<double>(n)));
}

/// What rounding both factors of a product to `math` adds to it, over its absolute value: half a
/// unit in the last of 11 or 8 significant bits, each.
inline double of_factors(Math math) {
  const double each = math == Math::kFp32 ? 0 : math == Math::kTf32 ? 0x1p-11 : 0x1p-8;
  return 2 * each + each * each;
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

  /// body(math) for every math that the backend has, which is set for it.
  template <class Body>
  void for_each_math(const Body& body) {
    for (const auto& [name, math] : {std::pair("fp32", Math::kFp32), std::pair("tf32", Math::kTf32),
                                     std::pair("bf16", Math::kBf16)}) {
      if (!backend().set_math(math)) continue;
      SCOPED_TRACE(name);
      body(math);
    }
    backend().set_math(Math::kFp32);
  }

  /// Where the backend has other maths than fp32, each must leave other bits than the others do:
  /// one that did nothing would keep every bound.
  template <class Case>
  void expect_maths_differ(const Case& c) {
    SCOPED_TRACE(c.name());
    std::vector<Results> of_maths;
    for_each_math([&](Math) { of_maths.push_back(c.run(backend())); });
    for (std::size_t i = 0; i < of_maths.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) EXPECT_NE(of_maths[i], of_maths[j]) << i << ", " << j;
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
