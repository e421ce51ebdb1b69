#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "hourglass/ops/backend.h"

namespace hourglass::ops_test {

/// A backend that the tests of the operations run on: how to open one, and whose bits it must have.
struct BackendUnderTest {
  std::string name;  ///< the suffix of a test's name
  std::string bits;  ///< backends of one word here leave the same bits
  std::unique_ptr<Backend> (*open)();
};

inline void PrintTo(const BackendUnderTest& backend, std::ostream* out) { *out << backend.name; }

/// The registry (backends_under_test.cc): every test of an operation runs on each of these.
const std::vector<BackendUnderTest>& backends_under_test();

/// All that must leave the bits that `backend` leaves, itself included; more than the registry's,
/// since a backend that differs in its threads alone needs no other test.
std::vector<BackendUnderTest> twins(const BackendUnderTest& backend);

}  // namespace hourglass::ops_test
