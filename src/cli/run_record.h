#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

namespace hourglass::cli {

/// Whoever goes on with a run need not have made its folder: throws Error where `record`, which was
/// read from `path`, is not a run.json as train writes it, as far as train asks it for values. Its
/// results are SweepResults', its options continue_options' to check.
void require_record_of_run(const nlohmann::json& record, const std::filesystem::path& path);

}  // namespace hourglass::cli
