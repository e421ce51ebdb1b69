#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/synthetic_options.h"
#include "hourglass/data/synthetic.h"
#include "hourglass/data/write_wide.h"

namespace hourglass::cli {

void add_generate(CLI::App& app) {
  struct Options {
    SyntheticOptions synthetic;
    std::string output;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "generate", "Write the notebook's synthetic test matrix as a wide CSV file");
  command->add_option("output,--output", options->output, "the file; gzip where it ends in .gz")
      ->required()
      ->type_name("FILE");
  add_synthetic_options(*command, options->synthetic);
  command->add_option("--seed", options->synthetic.seed, "of the random numbers")
      ->capture_default_str();
  command->callback([options] {
    const Ratings ratings = synthetic_ratings(options->synthetic);
    write_wide(ratings, options->output);
    fmt::print(stderr, "{}: {} rows, {} columns, {} ratings\n", options->output,
               ratings.matrix.n_rows, ratings.matrix.n_columns, ratings.matrix.n_entries());
  });
}

}  // namespace hourglass::cli
