#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "hourglass/data/ratings.h"
#include "hourglass/model/network.h"

// model.safetensors: PyTorch's names, shapes and layout, so that load_state_dict(load_file(...))
// just works: "encoder.0.weight" [128, N], "encoder.0.bias" [128], ..., "decoder.4.bias" [N], F32.
// Its metadata: "format" "pt" (as PyTorch's own writers say), "hourglass_model" "1" (the version of
// this layout), "network", "column_ids" and "training" (JSON), "objective", "sha256".
namespace hourglass {

/// A trained network on the host, with what it needs to meet new data.
struct Model {
  NetworkShape shape;
  std::vector<std::vector<float>> weights;  ///< a layer each: [n_outputs, n_inputs], row-major
  std::vector<std::vector<float>> biases;   ///< a layer each: [n_outputs]
  IdList column_ids;                        ///< [shape.n_columns]
  std::string objective = "all";            ///< "all" cells or only the "observed"
  nlohmann::json training = nlohmann::json::object();  ///< summary: epochs, loss, seed, ...
};

/// Writes `model` to `path`, whole or not at all. Throws Error for what the disk refuses and for
/// ids that overflow the format's header; std::invalid_argument where the sizes are not the
/// shape's.
void save_model(const std::filesystem::path& path, const Model& model);

/// Throws save_model's Error about column ids that overflow the header (some 100 MB of ids) before
/// a day of training does.
void check_column_ids_fit(const std::filesystem::path& path, const IdList& column_ids);

/// Reads a model that save_model wrote. Throws Error for any other file and for any damage.
Model load_model(const std::filesystem::path& path);

/// Reads starting weights for `shape`: a model of ours, or a plain file by PyTorch's
/// save_file(state_dict). The result's column ids are the file's, empty where it has none. Throws
/// one Error that names every mismatch: tensors missing, unexpected, of another shape or dtype; and
/// a model of ours whose column ids are not `column_ids` (those of the data), position by position.
Model load_weights(const std::filesystem::path& path, const NetworkShape& shape,
                   const IdList& column_ids);

/// Ids as a JSON array of strings. Ids are bytes: one that is not UTF-8 stands as {"hex": "42fc"}.
std::string column_ids_to_json(const IdList& ids);

/// The ids of such a text. Throws Error where it is not one.
IdList column_ids_from_json(std::string_view text);

}  // namespace hourglass
