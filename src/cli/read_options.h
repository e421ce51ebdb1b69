#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>

#include "hourglass/data/read_ratings.h"

namespace hourglass::cli {

/// The words of a choice, on the command line and in run.json.
template <class T>
const std::map<std::string, T>& choices();
template <>
const std::map<std::string, RatingsFormat>& choices();
template <>
const std::map<std::string, RepeatedPairs>& choices();

/// The options of every command that reads ratings: --format, --repeated, --keep-zeros, ...
void add_read_options(CLI::App& app, ReadOptions& options);

/// use(long name, member) for each of them.
template <class Use>
void for_each_read_option(ReadOptions& options, const Use& use) {
  use("format", options.format);
  use("separator", options.separator);
  use("repeated", options.repeated);
  use("keep-zeros", options.keep_zeros);
  use("transpose", options.transpose);
  use("row-column", options.row_column);
  use("column-column", options.column_column);
  use("value-column", options.value_column);
}

}  // namespace hourglass::cli
