#pragma once

#include <CLI/CLI.hpp>

#include "hourglass/data/synthetic.h"

namespace hourglass::cli {

/// The size, sparsity and noise of the synthetic matrix; the seed is the command's own.
inline void add_synthetic_options(CLI::App& app, SyntheticOptions& options) {
  const auto add = [&](const char* name, auto& value, const char* help) {
    app.add_option(name, value, help)->capture_default_str()->group("Synthetic matrix");
  };
  add("--rows", options.rows, "number of rows");
  add("--columns", options.columns, "number of columns");
  add("--sparsity", options.sparsity, "probability that a cell is set to 0 before the noise");
  add("--noise", options.noise, "standard deviation of the noise on every cell");
}

/// use(long name, member) for each of them.
template <class Use>
void for_each_synthetic_option(SyntheticOptions& options, const Use& use) {
  use("rows", options.rows);
  use("columns", options.columns);
  use("sparsity", options.sparsity);
  use("noise", options.noise);
}

}  // namespace hourglass::cli
