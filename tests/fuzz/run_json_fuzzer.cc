// A run's run.json, as `train` and `train --resume` take it up, and its results' table.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/run_record.h"
#include "cli/sweep_results.h"
#include "cli/train_options.h"
#include "fuzz/files.h"
#include "fuzz/harness.h"
#include "hourglass/train/run_folder.h"

namespace hourglass::fuzz {
namespace {

/// A command line of `train`, parsed once.
struct CommandLine {
  explicit CommandLine(const std::string& text) {
    cli::add_train_options(app, command);
    app.parse(text);
    parsed = command;
  }

  CLI::App app;
  cli::TrainCommand command, parsed;
};

}  // namespace
}  // namespace hourglass::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass;
  static const fuzz::MemoryFolder folder;
  static fuzz::CommandLine lines[] = {
      fuzz::CommandLine("r --output o"),
      fuzz::CommandLine("synthetic --output o --seed 7 --hidden 3,2 --epochs 9"),
  };
  fuzz::Input input(data, size);
  fuzz::CommandLine& line = lines[input.byte() % 2];
  const std::string_view text = input.rest();
  folder.put("run.json", text);
  const RunFolder run = RunFolder::open(folder.path());
  nlohmann::json json;
  if (!fuzz::refusal(text.size(), [&] { json = run.read_run(); }).empty()) return 0;
  fuzz::refusal(text.size(), [&] {
    const auto results =
        cli::SweepResults::from_json(json.value("results", nlohmann::json::array()));
    fuzz::expect(cli::SweepResults::from_json(results.to_json()).to_json() == results.to_json(),
                 "results read back");
    results.write_csv(folder.path() / "results.csv");
    fuzz::expect(results.table().ends_with('\n'), "the table is whole");
  });
  const std::string refusal = fuzz::refusal(text.size(), [&] {
    cli::require_record_of_run(json, "run.json");
    json["options"].value("bottleneck", std::vector<int>{});
    json.value("seconds", 0.0);
  });
  if (!refusal.empty()) return 0;  // then nothing else of it is taken up
  const auto options = json.value("options", nlohmann::json::object());
  fuzz::refusal(text.size(), [&] { cli::require_same_options(options, line.parsed); });
  line.command = line.parsed;
  fuzz::refusal(text.size(), [&] { cli::continue_options(line.app, options, line.command); });
  run.write_run(json);
  return 0;
}
