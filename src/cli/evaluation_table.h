#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "hourglass/evaluate/evaluation.h"

namespace hourglass::cli {

/// What `evaluate` found: a model or a baseline a row.
struct EvaluationTable {
  struct Row {
    std::string name;
    std::optional<int> bottleneck;  ///< of a model
    Evaluation evaluation;
  };
  std::string title, warning;  ///< the title says what is hidden; the warning may be empty
  std::string hidden;          ///< "holdout", "split" or "masked"
  std::string within;          ///< "row" or "column"
  std::optional<double> mask;
  std::int64_t k = 0, n_rows = 0, n_columns = 0, n_hidden = 0, n_ranked = 0;
  std::int64_t n_unknown = 0;  ///< to be predicted, but of rows or columns that are not known
  float threshold = 0;
  std::uint64_t seed = 0;
  Distribution hidden_ratings;
  std::vector<Row> rows;

  std::string to_text() const;
  std::string to_csv() const;
  std::string to_json() const;  ///< with a line break at its end

  /// evaluation-HIDDEN-by-WITHIN.csv and .json. Throws Error.
  void write_files(const std::filesystem::path& folder) const;
};

}  // namespace hourglass::cli
