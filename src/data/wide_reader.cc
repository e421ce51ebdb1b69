#include <fmt/format.h>

#include <stdexcept>
#include <utility>

#include "data/id_table.h"
#include "data/rating_value.h"
#include "data/readers.h"
#include "hourglass/data/transposed.h"

namespace hourglass {
namespace {

class WideReader {
 public:
  WideReader(CsvFields& fields, const FileForm& form, const ReadOptions& options)
      : fields_(fields), form_(form), options_(options) {}

  Ratings read() {
    read_header();
    while (fields_.begin_record()) read_row();
    if (row_ids_.ids().size() == 0) {
      fields_.fail("no rows follow the header; add a line for each row: its id, then its ratings");
    }
    ratings_.matrix.n_rows = row_ids_.ids().size();
    ratings_.row_ids = row_ids_.take_ids();
    if (options_.transpose) {
      ratings_.matrix = transposed(ratings_.matrix);
      std::swap(ratings_.row_ids, ratings_.column_ids);
      ratings_.row_name = "row";  // a wide file names its rows only
    }
    return std::move(ratings_);
  }

 private:
  void read_header() {
    if (!fields_.begin_record()) fields_.fail("the file is empty; it needs a header and rows");
    const std::string_view corner = fields_.next();
    if (!corner.empty()) {
      check_id(fields_, corner);
      ratings_.row_name = corner;
    }
    if (fields_.record_ended()) {
      fields_.fail(
          "the header names no columns; a wide file starts with a name for the rows and then the "
          "column ids, separated by commas, tabs or semicolons (--separator says which)");
    }
    IdTable columns;
    while (!fields_.record_ended()) {
      const std::string_view id = fields_.next();
      check_id(fields_, id);
      const auto [index, added] = insert(columns, id);
      if (!added) {
        fields_.fail(
            fmt::format("column id {} is in the header twice (first as field {}); ids are "
                        "unique in a wide file{}",
                        shown(id), index + 2, hint()));
      }
    }
    ratings_.column_ids = columns.take_ids();
    ratings_.matrix.n_columns = ratings_.column_ids.size();
  }

  void read_row() {
    CsrMatrix& matrix = ratings_.matrix;
    const std::string_view id = fields_.next();
    if (fields_.record_ended()) check_not_short();
    check_id(fields_, id);
    const auto [index, added] = insert(row_ids_, id);
    if (!added) {
      fields_.fail(
          fmt::format("row id {} is there twice (first as row {} below the header); ids "
                      "are unique in a wide file{}",
                      shown(id), index + 1, hint()));
    }
    while (!fields_.record_ended()) {
      fields_.skip_empty();
      const std::string_view text = fields_.next();
      const std::int64_t column = fields_.column() - 2;
      if (column >= matrix.n_columns) fail_long_row();
      if (!text.empty()) add(static_cast<std::int32_t>(column), text);
    }
    check_not_short();
    matrix.row_offsets.push_back(static_cast<std::int64_t>(matrix.columns.size()));
  }

  void add(std::int32_t column, std::string_view text) {
    double value = 0;
    std::string why;
    if (!parse_rating(text, value, why)) {
      fields_.fail(why + "; leave the field empty where there is no rating" + hint());
    }
    auto rating = static_cast<float>(value);
    if (rating == 0) {
      if (!options_.keep_zeros) {
        ++ratings_.zeros_dropped;
        return;
      }
      rating = 0;  // not -0: it is the same rating
    }
    ratings_.matrix.columns.push_back(column);
    ratings_.matrix.values.push_back(rating);
  }

  void check_not_short() const {
    const std::int64_t expected = ratings_.matrix.n_columns + 1;
    if (fields_.column() < expected) {
      fields_.fail(
          fmt::format("the row ends after {} of {} fields; give it as many as the header{}",
                      fields_.column(), expected, hint()));
    }
  }

  [[noreturn]] void fail_long_row() const {
    const std::int64_t expected = ratings_.matrix.n_columns + 1;
    fields_.fail_at(fields_.line(), expected + 1,
                    fmt::format("the row goes on after {} fields; give it as many as the header{}",
                                expected, hint()));
  }

  IdTable::Entry insert(IdTable& table, std::string_view id) const {
    try {
      return table.insert(id);
    } catch (const std::length_error& full) {
      fields_.fail(full.what());
    }
  }

  std::string hint() const {
    return form_.detected ? " (the file was taken as wide; --format long reads a rating a line)"
                          : "";
  }

  CsvFields& fields_;
  const FileForm& form_;
  const ReadOptions& options_;
  Ratings ratings_;
  IdTable row_ids_;
};

}  // namespace

Ratings read_wide(CsvFields& fields, const FileForm& form, const ReadOptions& options) {
  Ratings ratings = WideReader(fields, form, options).read();
  ratings.format = RatingsFormat::kWide;
  return ratings;
}

}  // namespace hourglass
