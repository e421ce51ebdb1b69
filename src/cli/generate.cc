#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/commands.h"
#include "cli/streams.h"
#include "cli/synthetic_options.h"
#include "hourglass/data/synthetic.h"
#include "hourglass/data/write_wide.h"

namespace hourglass::cli {

void add_generate(CLI::App& app) {
  struct Options {
    SyntheticOptions synthetic;
    std::string output;
    bool json = false;
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
  command->add_flag("--json", options->json, "Print what was written as JSON, for programs");
  command->callback([options] {
    const Ratings ratings = synthetic_ratings(options->synthetic);
    write_wide(ratings, options->output);
    const CsrMatrix& matrix = ratings.matrix;
    tell("{}: {} rows, {} columns, {} ratings\n", options->output, matrix.n_rows, matrix.n_columns,
         matrix.n_entries());
    if (!options->json) return;
    const nlohmann::ordered_json json = {{"file", options->output},
                                         {"rows", matrix.n_rows},
                                         {"columns", matrix.n_columns},
                                         {"ratings", matrix.n_entries()}};
    print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  });
}

}  // namespace hourglass::cli
