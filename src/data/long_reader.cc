#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "data/id_table.h"
#include "data/pair_list.h"
#include "data/rating_value.h"
#include "data/readers.h"
#include "hourglass/core/error.h"

namespace hourglass {
namespace {

IdList ordered(const IdList& ids, const std::vector<std::int32_t>& order) {
  IdList result;
  for (const std::int32_t index : order) result.add(ids[index]);
  return result;
}

class LongReader {
 public:
  LongReader(CsvFields& fields, const FileForm& form, const ReadOptions& options)
      : fields_(fields),
        form_(form),
        options_(options),
        pairs_(options.repeated == RepeatedPairs::kError) {}

  Ratings read() {
    read_first_line();
    while (fields_.begin_record()) read_line();
    if (pairs_.size() == 0) {
      fields_.fail("no ratings follow the header; add a line for each: row id, column id, value");
    }
    if (options_.repeated == RepeatedPairs::kError) refuse_repetition();
    IdTable& rows = options_.transpose ? columns_ : rows_;
    IdTable& columns = options_.transpose ? rows_ : columns_;
    const auto row_order = rows.sorted_order();
    const auto column_order = columns.sorted_order();
    Ratings ratings;
    ratings.row_ids = ordered(rows.take_ids(), row_order);
    ratings.column_ids = ordered(columns.take_ids(), column_order);
    auto assembled = std::move(pairs_).assemble(row_order, column_order, options_);
    ratings.matrix = std::move(assembled.matrix);
    ratings.zeros_dropped = assembled.zeros_dropped;
    ratings.pairs_repeated = assembled.pairs_repeated;
    const std::size_t named = options_.transpose ? column_field_ : row_field_;
    if (!names_.empty() && !names_[named].empty()) ratings.row_name = names_[named];
    return ratings;
  }

 private:
  void read_first_line() {
    if (form_.first_record.empty()) fail_first_line();
    n_fields_ = form_.first_record.size();
    const auto& first = form_.first_record;
    const bool asked_by_name = std::any_of(first.begin(), first.end(), [&](const auto& name) {
      return !name.empty() && (name == options_.row_column || name == options_.column_column ||
                               name == options_.value_column);
    });
    const bool header =
        asked_by_name || std::none_of(first.begin(), first.end(), looks_like_number);
    if (header) names_ = first;
    choose_fields();
    if (header) {
      fields_.begin_record();
      while (!fields_.record_ended()) fields_.next();
    }
  }

  [[noreturn]] void fail_first_line() {
    if (!fields_.begin_record()) {
      fields_.fail("the file is empty; it needs a line for each rating: row id, column id, value");
    }
    while (!fields_.record_ended() && fields_.column() < 1000) fields_.next();  // may throw, better
    fields_.fail_at(fields_.line(), 1, "the first line is too long for a rating a line" + hint());
  }

  // Which field is what, counted from 0.
  void choose_fields() {
    if (n_fields_ < 3) {
      fields_.fail_at(
          1, 1,
          fmt::format("the first line has {} of the 3 fields row id, column id and value, "
                      "separated by commas, tabs, semicolons or :: (--separator says "
                      "which){}",
                      n_fields_, hint()));
    }
    constexpr std::size_t kNone = -1;
    const auto asked = [&](const std::string& option, const char* what) {
      return option.empty() ? kNone : field_of(option, what);
    };
    row_field_ = asked(options_.row_column, "row");
    column_field_ = asked(options_.column_column, "column");
    value_field_ = asked(options_.value_column, "value");
    const auto taken = [&](std::size_t field) {
      return field == row_field_ || field == column_field_ || field == value_field_;
    };
    if (value_field_ == kNone) {
      for (std::size_t i = names_.size(); i-- > 0;) {
        if (!taken(i) && names_a_value(names_[i])) value_field_ = i;
      }
      if (value_field_ == kNone && !taken(2)) value_field_ = 2;
    }
    for (std::size_t* field : {&row_field_, &column_field_, &value_field_}) {
      for (std::size_t i = 0; *field == kNone && i < n_fields_; ++i) {
        if (!taken(i)) *field = i;
      }
    }
    if (row_field_ == column_field_ || row_field_ == value_field_ ||
        column_field_ == value_field_) {
      throw UsageError("the row, the column and the value column must be three different ones");
    }
  }

  std::size_t field_of(const std::string& option, const char* what) const {
    const auto named = std::find(names_.begin(), names_.end(), option);
    if (named != names_.end()) return static_cast<std::size_t>(named - names_.begin());
    std::size_t number = 0;
    const auto [end, fault] = std::from_chars(option.data(), option.data() + option.size(), number);
    if (fault == std::errc() && end == option.data() + option.size() && number >= 1 &&
        number <= n_fields_) {
      return number - 1;
    }
    const std::string choice =
        names_.empty()
            ? fmt::format("the file has no header; give a number from 1 to {}", n_fields_)
            : fmt::format("the header is {}",
                          shown(fmt::format("{}", fmt::join(names_, ", ")), 200));
    fields_.fail_at(1, 1, fmt::format("no {} column {}; {}", what, shown(option), choice));
  }

  void read_line() {
    PairList::Pair pair = {};
    std::int64_t line = 0;
    for (std::size_t i = 0; i < n_fields_; ++i) {
      if (i > 0 && fields_.record_ended()) {
        fields_.fail(
            fmt::format("the line ends after {} of {} fields; give it as many as the first "
                        "line{}",
                        i, n_fields_, hint()));
      }
      const std::string_view text = fields_.next();
      if (i == 0) line = fields_.line();
      if (i == row_field_) pair.row = index_of(rows_, text);
      if (i == column_field_) pair.column = index_of(columns_, text);
      if (i == value_field_) pair.value = value_of(text);
    }
    if (!fields_.record_ended()) {
      fields_.fail_at(fields_.line(), fields_.column() + 1,
                      fmt::format("the line goes on after {} fields; give it as many as the first "
                                  "line{}",
                                  n_fields_, hint()));
    }
    if (options_.transpose) std::swap(pair.row, pair.column);
    pairs_.add(pair, line);
  }

  std::int32_t index_of(IdTable& table, std::string_view id) {
    try {
      const auto [index, added] = table.insert(id);
      if (added) check_id(fields_, id);
      return index;
    } catch (const std::length_error& full) {
      fields_.fail(full.what());
    }
  }

  double value_of(std::string_view text) const {
    double value = 0;
    std::string why;
    if (!parse_rating(text, value, why)) {
      fields_.fail(why + "; delete the line where there is no rating" + hint());
    }
    return value;
  }

  void refuse_repetition() const {
    PairList::Repetition again;
    if (!pairs_.first_repetition(again)) return;
    if (options_.transpose) std::swap(again.row, again.column);
    fields_.fail_at(
        again.line, static_cast<std::int64_t>(std::max(row_field_, column_field_)) + 1,
        fmt::format(
            "row {} and column {} were rated on line {} already; delete one of the lines, or "
            "choose --repeated mean or last",
            shown(rows_.ids()[again.row]), shown(columns_.ids()[again.column]), again.first_line));
  }

  std::string hint() const {
    return form_.detected ? " (the file was taken as long; --format wide reads a row a line)" : "";
  }

  CsvFields& fields_;
  const FileForm& form_;
  const ReadOptions& options_;
  PairList pairs_;
  IdTable rows_, columns_;
  std::vector<std::string> names_;  // [n_fields_], or empty: no header
  std::size_t n_fields_ = 0;
  std::size_t row_field_ = 0, column_field_ = 0, value_field_ = 0;
};

}  // namespace

Ratings read_long(CsvFields& fields, const FileForm& form, const ReadOptions& options) {
  Ratings ratings = LongReader(fields, form, options).read();
  ratings.format = RatingsFormat::kLong;
  return ratings;
}

}  // namespace hourglass
