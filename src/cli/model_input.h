#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "hourglass/data/align_columns.h"
#include "hourglass/data/ratings.h"
#include "hourglass/model/model_file.h"

namespace hourglass::cli {

/// The models that RUN_OR_MODEL names: of a run's folder each bottleneck that is finished, in
/// ascending order; of a bottleneck's folder its model; else the file itself. Throws Error where a
/// run has none.
std::vector<std::filesystem::path> model_paths(const std::filesystem::path& run_or_model);

/// The one model that it names. Throws Error where a run has several.
std::filesystem::path model_path(const std::filesystem::path& run_or_model);

/// The ratings in the model's columns; warns people of columns that it does not know, by name.
CsrMatrix align_to(const Model& model, const CsrMatrix& matrix, const IdList& column_ids);

}  // namespace hourglass::cli
