#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cli/commands.h"
#include "cli/device_options.h"
#include "cli/model_input.h"
#include "cli/read_options.h"
#include "cli/streams.h"
#include "hourglass/core/error.h"
#include "hourglass/data/id_hash.h"
#include "hourglass/data/quote_field.h"
#include "hourglass/data/select_rows.h"
#include "hourglass/data/transposed.h"
#include "hourglass/devices/device.h"
#include "hourglass/evaluate/scorer.h"
#include "hourglass/evaluate/top_k.h"
#include "hourglass/model/predictor.h"
#include "hourglass/ops/csr_buffer.h"

namespace hourglass::cli {
namespace {

constexpr int kMostIds = 1 << 20;  // on a command line
// Bounds what is held of the network's units; a scorer has something to set up.
constexpr std::size_t kRowsOfAScorer = 16384;

struct RecommendCommand {
  std::string model, ratings;
  std::vector<std::string> rows, columns;
  std::int64_t top = 10;
  float threshold = -std::numeric_limits<float>::infinity();
  bool include_rated = false, json = false;
  ReadOptions read;
  DeviceOptions device;
};

/// Recommendations on stdout as they come: CSV, or one JSON array.
class Output {
 public:
  Output(bool json, const std::string& row_name) : json_(json) {
    if (json_) {
      text_ = "[";
    } else {
      append_field(text_, row_name);
      text_ += ",column,score\n";
    }
  }

  void add(std::string_view row, std::string_view column, float score) {
    if (!std::isfinite(score)) {
      throw Error("a score is not finite: the model does not fit these ratings; train it anew");
    }
    if (json_) {
      text_ += first_ ? "\n" : ",\n";
      const nlohmann::ordered_json line = {{"row", std::string(row)},
                                           {"column", std::string(column)}};
      text_ += line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
      text_.back() = ',';  // the score in as few digits as the CSV has, not a double's
      text_ += fmt::format("\"score\":{}}}", score);
    } else {
      append_field(text_, row);
      text_ += ',';
      append_field(text_, column);
      text_ += fmt::format(",{}\n", score);
    }
    first_ = false;
    constexpr std::size_t kBlock = std::size_t{1} << 16;
    if (text_.size() >= kBlock) flush();
  }

  void finish() {
    if (json_) text_ += first_ ? "]\n" : "\n]\n";
    flush();
  }

 private:
  void flush() {
    print(text_);
    finish_results();  // now: all rows may be long in coming
    text_.clear();
  }

  bool json_, first_ = true;
  std::string text_;
};

/// The places of `wanted` among `ids`. Throws Error for one that is not there.
std::vector<std::int32_t> find_ids(const std::vector<std::string>& wanted, const IdList& ids,
                                   const std::string& kind, const std::string& where) {
  std::unordered_map<std::string_view, std::int32_t, IdHash> places;
  for (std::int64_t i = 0; i < ids.size(); ++i) {
    places.emplace(ids[i], static_cast<std::int32_t>(i));
  }
  std::vector<std::int32_t> found;
  for (const std::string& id : wanted) {
    const auto place = places.find(id);
    if (place == places.end()) {
      throw Error(fmt::format("{}: has no {} {}; name one of its ids", where, kind, id));
    }
    found.push_back(place->second);
  }
  return found;
}

/// Scores lines in a backend's memory, a block at a time, and puts out the best of each.
class Recommending {
 public:
  Recommending(const RecommendCommand& command, const Ratings& ratings, const Model& model,
               const CsrMatrix& matrix, Predictor& predictor, Output& output)
      : command_(&command),
        ratings_(&ratings),
        model_(&model),
        matrix_(&matrix),
        predictor_(&predictor),
        output_(&output) {}

  /// The best columns of each of these rows.
  void recommend_columns(std::span<const std::int32_t> rows);
  /// The best rows of each of these columns.
  void recommend_rows(std::span<const std::int32_t> columns);

 private:
  void recommend_columns_at_once(std::span<const std::int32_t> rows);

  TopK top_of(std::int64_t most, std::int64_t length) {
    return {predictor_->backend(), most, std::min(command_->top, length), command_->threshold};
  }

  const RecommendCommand* command_;
  const Ratings* ratings_;
  const Model* model_;
  const CsrMatrix* matrix_;
  Predictor* predictor_;
  Output* output_;
};

void Recommending::recommend_columns(std::span<const std::int32_t> rows) {
  for (std::size_t begin = 0; begin < rows.size(); begin += kRowsOfAScorer) {
    recommend_columns_at_once(rows.subspan(begin, std::min(kRowsOfAScorer, rows.size() - begin)));
  }
}

void Recommending::recommend_columns_at_once(std::span<const std::int32_t> rows) {
  const std::int64_t n_columns = predictor_->n_columns();
  const CsrMatrix given = select_rows(*matrix_, rows);
  const CsrBuffer rated(predictor_->backend(), given);
  Scorer scorer(*predictor_, given);
  const std::int64_t n_rows = std::ssize(rows);
  Backend& backend = predictor_->backend();
  const std::int64_t most =
      std::min(rows_at_a_time(backend, n_columns, std::min(command_->top, n_columns)), n_rows);
  const ScoreRoom room(backend, most, n_columns);
  TopK top = top_of(most, n_columns);
  for (std::int64_t first = 0; first < n_rows; first += most) {
    const std::int64_t n = std::min(most, n_rows - first);
    ScoreRows op = scorer.score_rows(first, n, room);
    top.ask(op, command_->include_rated ? CsrPtr() : rated.ptr(), first);
    backend.run(op);
    top.take(n);
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int32_t row = rows[static_cast<std::size_t>(first + i)];
      for (const Scored& best : top.line(i)) {
        output_->add(ratings_->row_ids[row], model_->column_ids[best.index], best.score);
      }
    }
  }
}

void Recommending::recommend_rows(std::span<const std::int32_t> columns) {
  Scorer scorer(*predictor_, *matrix_);
  const CsrBuffer rated(predictor_->backend(), select_rows(transposed(*matrix_), columns));
  const std::int64_t n_columns = std::ssize(columns), n_rows = matrix_->n_rows;
  const std::int64_t most = std::min(lines_at_a_time(n_rows), n_columns);
  Buffer<float> memory(predictor_->backend(), most * padded(n_rows));
  const Matrix<float> scores = {memory.ptr(), padded(n_rows)};
  TopK top = top_of(most, n_rows);
  for (std::int64_t first = 0; first < n_columns; first += most) {
    const std::int64_t n = std::min(most, n_columns - first);
    const auto block =
        columns.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(n));
    scorer.score_columns(block, scores);
    top.select(scores, n, n_rows, command_->include_rated ? CsrPtr() : rated.ptr(), first);
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int32_t column = block[static_cast<std::size_t>(i)];
      for (const Scored& best : top.line(i)) {
        output_->add(ratings_->row_ids[best.index], model_->column_ids[column], best.score);
      }
    }
  }
}

void recommend(const RecommendCommand& command) {
  const Model model = load_model(model_path(command.model));
  const Ratings ratings = read_ratings(command.ratings, command.read);
  const CsrMatrix matrix = align_to(model, ratings.matrix, ratings.column_ids, command.read);
  const auto rows = find_ids(command.rows, ratings.row_ids, "row", command.ratings);
  const auto columns = find_ids(command.columns, model.column_ids, "column", command.model);
  const Device device = open_device(command.device);
  require_memory_to_predict(
      *device.backend, model,
      columns.empty() ? std::min<std::int64_t>(matrix.n_rows, kRowsOfAScorer) : matrix.n_rows);
  Predictor predictor(*device.backend, model);
  Output output(command.json, ratings.row_name);
  Recommending recommending(command, ratings, model, matrix, predictor, output);
  if (!columns.empty()) {
    recommending.recommend_rows(columns);
  } else if (!rows.empty()) {
    recommending.recommend_columns(rows);
  } else {
    std::vector<std::int32_t> all(static_cast<std::size_t>(matrix.n_rows));
    std::iota(all.begin(), all.end(), 0);
    recommending.recommend_columns(all);
  }
  output.finish();
}

}  // namespace

void add_recommend(CLI::App& app) {
  auto command = std::make_shared<RecommendCommand>();
  CLI::App* sub = app.add_subcommand(
      "recommend",
      "Print the best columns of rows, or the best rows of columns: row, column, score");
  sub->add_option("MODEL", command->model, "A model.safetensors, or a run that has one model")
      ->required();
  sub->add_option("RATINGS", command->ratings,
                  "What is rated so far; rows need not have been in the training")
      ->required();
  const auto add_ids = [&](const char* name, std::vector<std::string>& ids, const char* help) {
    // Extra arguments off: CLI11 would take an id "[p,q]" for the two ids p and q.
    return sub->add_option(name, ids, help)->expected(1, kMostIds)->allow_extra_args(false);
  };
  CLI::Option* row =
      add_ids("--row", command->rows, "Ids of rows to recommend columns for; default: all rows");
  add_ids("--column", command->columns,
          "Ids of columns to recommend rows for: where rows are books and columns readers, what "
          "these readers should read")
      ->excludes(row);
  sub->add_option("--top", command->top, "Recommendations for each, at most")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  sub->add_option("--threshold", command->threshold,
                  "Recommend only what scores above this (the notebook's is 0.1); default: any");
  sub->add_flag("--include-rated", command->include_rated, "Also what is rated already");
  sub->add_flag("--json", command->json, "Print JSON, for programs");
  add_device_options(*sub, command->device);
  add_read_options(*sub, command->read);
  sub->callback([command] { recommend(*command); });
}

}  // namespace hourglass::cli
