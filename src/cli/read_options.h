#pragma once

#include <CLI/CLI.hpp>

#include "hourglass/data/read_ratings.h"

namespace hourglass::cli {

/// The options of every command that reads ratings: --format, --repeated, --keep-zeros, ...
void add_read_options(CLI::App& app, ReadOptions& options);

}  // namespace hourglass::cli
