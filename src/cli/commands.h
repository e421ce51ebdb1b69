#pragma once

#include <CLI/CLI.hpp>

// One function a command, each in the file of its name: it adds the subcommand and its options to
// `app`; the subcommand's callback does the work. Results go to stdout, text for people to stderr.
// A callback that fails throws hourglass::Error; `main` prints it and chooses the exit code.
namespace hourglass::cli {

void add_cluster(CLI::App& app);
void add_encode(CLI::App& app);
void add_evaluate(CLI::App& app);
void add_generate(CLI::App& app);
void add_info(CLI::App& app);
void add_recommend(CLI::App& app);
void add_report(CLI::App& app);
void add_train(CLI::App& app);

}  // namespace hourglass::cli
