#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/histogram_json.h"
#include "cli/read_options.h"
#include "cli/streams.h"
#include "hourglass/core/grouped.h"
#include "hourglass/data/digest.h"

namespace hourglass::cli {
namespace {

struct Summary {
  std::int64_t empty_rows = 0;
  std::int64_t empty_columns = 0;
  std::int64_t longest_row = 0;
  std::int64_t longest_row_length = 0;
  std::vector<HistogramBar> histogram;
};

Summary summarize(const CsrMatrix& matrix) {
  Summary summary;
  for (std::int64_t row = 0; row < matrix.n_rows; ++row) {
    const std::int64_t length = matrix.row_length(row);
    if (length == 0) ++summary.empty_rows;
    if (length > summary.longest_row_length) {
      summary.longest_row = row;
      summary.longest_row_length = length;
    }
  }
  std::vector<char> rated(static_cast<std::size_t>(matrix.n_columns));
  for (const std::int32_t column : matrix.columns) rated[static_cast<std::size_t>(column)] = 1;
  summary.empty_columns = std::count(rated.begin(), rated.end(), 0);
  summary.histogram = histogram(matrix.values);
  return summary;
}

std::string as_text(const Ratings& ratings, const Summary& summary) {
  const CsrMatrix& matrix = ratings.matrix;
  std::string text;
  const auto line = [&](const char* name, const std::string& value) {
    text += fmt::format("{:<16}{:>14}\n", name, value);
  };
  line("format", ratings.format == RatingsFormat::kWide ? "wide" : "long");
  line("rows", grouped(matrix.n_rows));
  line("columns", grouped(matrix.n_columns));
  line("ratings", grouped(matrix.n_entries()));
  line("density", fmt::format("{:.4g} %", 100 * matrix.density()));
  line("longest row", grouped(summary.longest_row_length));
  if (summary.longest_row_length > 0) {
    text.pop_back();
    text += fmt::format("  ({} {})\n", in_one_line(ratings.row_name),
                        in_one_line(ratings.row_ids[summary.longest_row]));
  }
  line("empty rows", grouped(summary.empty_rows));
  line("empty columns", grouped(summary.empty_columns));
  line("zeros dropped", grouped(ratings.zeros_dropped));
  line("pairs repeated", grouped(ratings.pairs_repeated));
  if (summary.histogram.empty()) return text;
  text += "\nvalue                  ratings\n";
  for (const HistogramBar& bar : summary.histogram) {
    const double share = static_cast<double>(bar.count) / static_cast<double>(matrix.n_entries());
    const std::string label = bar.from == bar.to
                                  ? fmt::format("{}", bar.from)
                                  : fmt::format("{:.4g} to {:.4g}", bar.from, bar.to);
    text += fmt::format("{:<16}{:>14}  {:5.1f} %  {}", label, grouped(bar.count), 100 * share,
                        std::string(static_cast<std::size_t>(40 * share + 0.5), '#'));
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  }
  return text;
}

// Ids are bytes; JSON is UTF-8: what is none is replaced by U+FFFD when it is dumped.
nlohmann::ordered_json as_json(const std::string& file, const Ratings& ratings,
                               const Summary& summary) {
  const CsrMatrix& matrix = ratings.matrix;
  nlohmann::ordered_json json;
  json["file"] = file;
  json["format"] = ratings.format == RatingsFormat::kWide ? "wide" : "long";
  json["rows"] = matrix.n_rows;
  json["columns"] = matrix.n_columns;
  json["ratings"] = matrix.n_entries();
  json["density"] = matrix.density();
  json["row_name"] = ratings.row_name;
  json["longest_row"]["id"] =
      summary.longest_row_length > 0
          ? nlohmann::ordered_json(std::string(ratings.row_ids[summary.longest_row]))
          : nlohmann::ordered_json();
  json["longest_row"]["ratings"] = summary.longest_row_length;
  json["empty_rows"] = summary.empty_rows;
  json["empty_columns"] = summary.empty_columns;
  json["zeros_dropped"] = ratings.zeros_dropped;
  json["pairs_repeated"] = ratings.pairs_repeated;
  json["sha256"] = digest(ratings);
  json["histogram"] = to_json(summary.histogram);
  return json;
}

}  // namespace

void add_info(CLI::App& app) {
  struct Options {
    std::string file;
    bool json = false;
    ReadOptions read;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("info", "Say what is in a file of ratings");
  command->add_option("file", options->file, "ratings, wide or long, gzip or not")
      ->required()
      ->type_name("FILE");
  command->add_flag("--json", options->json, "print JSON, for programs");
  add_read_options(*command, options->read);
  command->callback([options] {
    const Ratings ratings = read_ratings(options->file, options->read);
    const Summary summary = summarize(ratings.matrix);
    if (options->json) {
      const auto json = as_json(options->file, ratings, summary);
      print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
      print(as_text(ratings, summary));
    }
  });
}

}  // namespace hourglass::cli
