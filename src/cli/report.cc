#include "hourglass/report/report.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/streams.h"
#include "hourglass/core/atomic_file.h"
#include "hourglass/core/create_folder.h"

namespace hourglass::cli {
namespace {

void write_report(const std::string& run, const std::filesystem::path& folder, bool json) {
  const Report report = make_report(RunFolder::open(run));
  create_folder(folder / "charts");
  std::vector<std::string> files;
  const auto write = [&](const std::filesystem::path& path, const std::string& text) {
    write_file(path, text);
    files.push_back(path.string());
  };
  for (const ChartFile& chart : report.charts) write(folder / "charts" / chart.name, chart.svg);
  write(folder / "report.html", report.html);
  if (json) {
    print("{}\n", nlohmann::json{{"files", files}}.dump(2, ' ', false,
                                                        nlohmann::json::error_handler_t::replace));
    return;
  }
  for (const std::string& file : files) print("{}\n", file);
}

}  // namespace

void add_report(CLI::App& app) {
  struct Options {
    std::string run, output;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "report", "Write report.html on a run: losses, results, evaluations, clusters, as charts");
  command->add_option("RUN", options->run, "Folder of the run")->required();
  command->add_option("--output", options->output,
                      "Folder for report.html and charts/*.svg; default: the run's");
  command->add_flag("--json", options->json, "Print the files' names as JSON, for programs");
  command->callback([options] {
    write_report(options->run, options->output.empty() ? options->run : options->output,
                 options->json);
  });
}

}  // namespace hourglass::cli
