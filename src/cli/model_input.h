#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "hourglass/data/align_columns.h"
#include "hourglass/data/ratings.h"
#include "hourglass/data/read_ratings.h"
#include "hourglass/model/model_file.h"
#include "hourglass/ops/backend.h"

namespace hourglass::cli {

/// The models that RUN_OR_MODEL names: of a run's folder each bottleneck that is finished, in
/// ascending order; of a bottleneck's folder its model; else the file itself. Throws Error where a
/// run has none.
std::vector<std::filesystem::path> model_paths(const std::filesystem::path& run_or_model);

/// The one model that it names. Throws Error where a run has several.
std::filesystem::path model_path(const std::filesystem::path& run_or_model);

/// The ratings in the model's columns; warns people of columns that it does not know, by name, and
/// where its training read --transpose otherwise: rows and columns whose ids are all numbers would
/// meet by chance.
CsrMatrix align_to(const Model& model, const CsrMatrix& matrix, const IdList& column_ids,
                   const ReadOptions& read);

/// Throws Error where the host's memory does not suffice for the predictions of so many rows at a
/// time; a GPU says so itself.
void require_memory_to_predict(const Backend& backend, const Model& model, std::int64_t n_rows);

}  // namespace hourglass::cli
