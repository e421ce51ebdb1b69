#include "cli/evaluation_table.h"

#include <fmt/format.h>

#include "hourglass/core/atomic_file.h"

namespace hourglass::cli {
namespace {

nlohmann::ordered_json to_json(const Distribution& distribution) {
  return {{"edges", distribution.edges},
          {"counts", distribution.counts},
          {"below", distribution.below},
          {"above", distribution.above}};
}

}  // namespace

std::string EvaluationTable::to_text() const {
  std::string text = title + "\n";
  text += fmt::format("{} rows x {} columns, {} ratings hidden", n_rows, n_columns, n_hidden);
  if (mask) text += fmt::format(" (each with probability {})", *mask);
  if (n_unknown > 0) text += fmt::format("; {} more of unknown rows or columns", n_unknown);
  text += fmt::format("; {} {}s with a hidden one are ranked\n\n", n_ranked, within);
  const std::string at_k = fmt::format("@{}", k);
  text += fmt::format("{:<22}{:>8}{:>8}{:>16}{:>14}{:>12}{:>10}{:>14}\n", "", "RMSE", "MAE",
                      "RMSE all cells", fmt::format("above {:g}", threshold), "Recall" + at_k,
                      "NDCG" + at_k, "hit rate" + at_k);
  for (const Row& row : rows) {
    text += fmt::format("{:<22}", row.name);
    if (row.evaluation.errors) {
      const RatingErrors& errors = *row.evaluation.errors;
      text += fmt::format("{:>8.4f}{:>8.4f}{:>16.4f}{:>14}", errors.rmse, errors.mae,
                          errors.rmse_all_cells, errors.n_above_threshold);
    } else {
      text += fmt::format("{:>8}{:>8}{:>16}{:>14}", "-", "-", "-", "-");
    }
    const RankingQuality& ranking = row.evaluation.ranking;
    text += fmt::format("{:>12.4f}{:>10.4f}{:>14.4f}\n", ranking.recall, ranking.ndcg,
                        ranking.hit_rate);
  }
  text +=
      "\nRMSE and MAE: over the hidden ratings. RMSE all cells: whole rows, 0 where nothing is "
      "rated.\n";
  return text;
}

std::string EvaluationTable::to_csv() const {
  std::string text =
      "name,bottleneck,hidden,by,k,rmse,mae,rmse_all_cells,masked_value_count,recall,ndcg,"
      "hit_rate\n";
  for (const Row& row : rows) {
    text +=
        fmt::format("{},{},{},{},{},", row.name,
                    row.bottleneck ? fmt::format("{}", *row.bottleneck) : "", hidden, within, k);
    if (row.evaluation.errors) {
      const RatingErrors& errors = *row.evaluation.errors;
      text += fmt::format("{},{},{},{},", errors.rmse, errors.mae, errors.rmse_all_cells,
                          errors.n_above_threshold);
    } else {
      text += ",,,,";
    }
    const RankingQuality& ranking = row.evaluation.ranking;
    text += fmt::format("{},{},{}\n", ranking.recall, ranking.ndcg, ranking.hit_rate);
  }
  return text;
}

std::string EvaluationTable::to_json() const {
  nlohmann::ordered_json json = {{"title", title}, {"hidden", hidden}, {"by", within}};
  json["mask"] = mask ? nlohmann::ordered_json(*mask) : nlohmann::ordered_json();
  json["rows"] = n_rows;
  json["columns"] = n_columns;
  json["rows_ranked"] = n_ranked;
  json["hidden_ratings"] = n_hidden;
  json["unknown_ratings"] = n_unknown;
  json["k"] = k;
  json["threshold"] = std::stod(fmt::format("{}", threshold));  // 0.1, not 0.1F's digits
  json["seed"] = seed;
  if (!warning.empty()) json["warning"] = warning;
  json["rating_histogram"] = cli::to_json(hidden_ratings);
  json["results"] = nlohmann::ordered_json::array();
  for (const Row& row : rows) {
    nlohmann::ordered_json result = {{"name", row.name}};
    if (row.bottleneck) result["bottleneck"] = *row.bottleneck;
    const auto& errors = row.evaluation.errors;
    const nlohmann::ordered_json none;
    result["rmse"] = errors ? nlohmann::ordered_json(errors->rmse) : none;
    result["mae"] = errors ? nlohmann::ordered_json(errors->mae) : none;
    result["rmse_all_cells"] = errors ? nlohmann::ordered_json(errors->rmse_all_cells) : none;
    result["masked_value_count"] =
        errors ? nlohmann::ordered_json(errors->n_above_threshold) : none;
    result["recall"] = row.evaluation.ranking.recall;
    result["ndcg"] = row.evaluation.ranking.ndcg;
    result["hit_rate"] = row.evaluation.ranking.hit_rate;
    result["histogram"] = errors ? cli::to_json(errors->predictions) : none;
    json["results"].push_back(result);
  }
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

void EvaluationTable::write_files(const std::filesystem::path& folder) const {
  const std::string name = fmt::format("evaluation-{}-by-{}", hidden, within);
  write_file(folder / (name + ".csv"), to_csv());
  write_file(folder / (name + ".json"), to_json());
}

}  // namespace hourglass::cli
