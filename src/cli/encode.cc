#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/commands.h"
#include "cli/device_options.h"
#include "cli/model_input.h"
#include "cli/read_options.h"
#include "cli/streams.h"
#include "hourglass/core/atomic_file.h"
#include "hourglass/core/error.h"
#include "hourglass/data/npy.h"
#include "hourglass/data/quote_field.h"
#include "hourglass/devices/device.h"
#include "hourglass/model/predictor.h"

namespace hourglass::cli {
namespace {

struct EncodeCommand {
  std::string model, ratings, output, reconstructions;
  bool json = false;
  ReadOptions read;
  DeviceOptions device;
};

/// codes.npy's ids are in codes.ids.csv.
std::filesystem::path ids_beside(std::filesystem::path path) {
  return path.replace_extension(".ids.csv");
}

void write_ids(const std::filesystem::path& path, const std::string& name, const IdList& ids) {
  std::string text;
  append_field(text, name);
  text += '\n';
  for (std::int64_t i = 0; i < ids.size(); ++i) {
    append_field(text, ids[i]);
    text += '\n';
  }
  write_file(path, text);
}

void write_reconstructions(Predictor& predictor, const CsrMatrix& matrix,
                           const std::filesystem::path& path) {
  constexpr std::int64_t kRows = 128;
  const HiddenRows hidden = predictor.hidden(matrix);
  NpyFile file(path, matrix.n_rows, predictor.n_columns());
  std::vector<float> block;
  for (std::int64_t first = 0; first < matrix.n_rows; first += kRows) {
    const std::int64_t n = std::min(kRows, matrix.n_rows - first);
    block.resize(static_cast<std::size_t>(n * predictor.n_columns()));
    predictor.outputs(hidden, first, block);
    file.write(block);
  }
  file.commit();
}

void encode(const EncodeCommand& command) {
  if (!command.reconstructions.empty() &&
      ids_beside(command.output) == ids_beside(command.reconstructions)) {
    throw UsageError("--output and --reconstructions share a name, or their ids would; give two");
  }
  const Model model = load_model(model_path(command.model));
  const Ratings ratings = read_ratings(command.ratings, command.read);
  const CsrMatrix matrix = align_to(model, ratings.matrix, ratings.column_ids, command.read);
  const Device device = open_device(command.device);
  require_memory_to_predict(*device.backend, model, matrix.n_rows);
  Predictor predictor(*device.backend, model);
  std::vector<std::string> files;
  const auto ids = [&](const std::string& beside, const std::string& name, const IdList& list) {
    files.push_back(beside);
    write_ids(beside, name, list);
  };
  save_npy(command.output, predictor.codes(matrix), matrix.n_rows, predictor.bottleneck());
  files.push_back(command.output);
  ids(ids_beside(command.output).string(), ratings.row_name, ratings.row_ids);
  if (!command.reconstructions.empty()) {
    write_reconstructions(predictor, matrix, command.reconstructions);
    files.push_back(command.reconstructions);
    ids(ids_beside(command.reconstructions).string(), "column", model.column_ids);
  }
  if (command.json) {
    const nlohmann::ordered_json json = {{"rows", matrix.n_rows},
                                         {"bottleneck", predictor.bottleneck()},
                                         {"columns", predictor.n_columns()},
                                         {"files", files}};
    print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return;
  }
  for (const std::string& file : files) print("{}\n", file);
}

}  // namespace

void add_encode(CLI::App& app) {
  auto command = std::make_shared<EncodeCommand>();
  CLI::App* sub =
      app.add_subcommand("encode", "Write the codes of rows as .npy, their ids beside them");
  sub->add_option("MODEL", command->model, "A model.safetensors, or a run that has one model")
      ->required();
  sub->add_option("RATINGS", command->ratings,
                  "The rows' ratings; they need not have been in the training")
      ->required();
  sub->add_option("--output", command->output,
                  "NAME.npy: float32, rows x bottleneck; NAME.ids.csv holds the row ids")
      ->required();
  sub->add_option("--reconstructions", command->reconstructions,
                  "Also write the rows' reconstructions, rows x columns; the column ids beside it");
  sub->add_flag("--json", command->json, "Print JSON, for programs");
  add_device_options(*sub, command->device);
  add_read_options(*sub, command->read);
  sub->callback([command] { encode(*command); });
}

}  // namespace hourglass::cli
