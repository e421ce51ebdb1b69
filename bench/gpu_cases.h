#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "hourglass/core/csr.h"
#include "hourglass/model/autoencoder.h"

namespace hourglass::bench {

/// One of bench/gpu_cases.json.
struct Case {
  explicit Case(const nlohmann::json& json);

  std::string name;
  std::int64_t n_rows, n_columns, n_ratings;
  bool synthetic;            ///< the notebook's test matrix; else drawn, by the two below
  std::int64_t longest_row;  ///< ratings
  double popularity;  ///< how many times the least popular column's ratings the most popular has
  std::int32_t batch;
  Objective objective;
  OutputPath path;
};

/// The case's matrix. Where it is drawn, row r has longest_row / (r + 1)^s ratings, s such that all
/// have n_ratings (a trainer shuffles rows: neighbours do not stay ones); and column rank x, of [0,
/// 1), is drawn by the density q (1 + q) / (x + q)^2, which with popularity 60 is goodbooks':
/// batches of 128 and 1,024 rows touch as many columns as the real ones, within 2 %. Popular
/// columns are spread over all ids.
CsrMatrix make_ratings(const Case& c);

}  // namespace hourglass::bench
