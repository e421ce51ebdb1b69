#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "hourglass/core/csr.h"
#include "hourglass/model/autoencoder.h"

namespace hourglass::bench {

/// One of bench/cpu_cases.json.
struct CpuCase {
  /// Throws Error for a name that is not there, telling those that are.
  static CpuCase named(const std::string& name, const nlohmann::json& cases);

  std::string name;
  /// "synthetic": the notebook's test matrix; "long-tail": as long_tail.h draws it; else a file.
  std::string ratings;
  std::int64_t rows = 0, columns = 0;  ///< of a matrix that is made
  double mean = 0;                     ///< of a long tail: ratings of a row
  std::int32_t batch = 128;
  Objective objective = Objective::kAllCells;

  /// data: the folder that holds goodbooks/.
  CsrMatrix make_ratings(const std::string& data) const;
};

}  // namespace hourglass::bench
