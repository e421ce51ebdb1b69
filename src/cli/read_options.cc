#include "cli/read_options.h"

namespace hourglass::cli {
namespace {

template <class T>
void add_choice(CLI::App& app, const std::string& name, T& choice,
                const std::map<std::string, T>& words, const std::string& help) {
  std::string shown;
  for (const auto& [word, meaning] : words) {
    if (meaning == choice) shown = word;
  }
  app.add_option_function<std::string>(
         name, [&choice, words](const std::string& word) { choice = words.at(word); }, help)
      ->check(CLI::IsMember(words))
      ->default_str(shown)
      ->group("Reading");
}

}  // namespace

template <>
const std::map<std::string, RatingsFormat>& choices() {
  static const std::map<std::string, RatingsFormat> words = {{"auto", RatingsFormat::kAuto},
                                                             {"wide", RatingsFormat::kWide},
                                                             {"long", RatingsFormat::kLong}};
  return words;
}

template <>
const std::map<std::string, RepeatedPairs>& choices() {
  static const std::map<std::string, RepeatedPairs> words = {{"mean", RepeatedPairs::kMean},
                                                             {"last", RepeatedPairs::kLast},
                                                             {"error", RepeatedPairs::kError}};
  return words;
}

void add_read_options(CLI::App& app, ReadOptions& options) {
  add_choice<RatingsFormat>(app, "--format", options.format, choices<RatingsFormat>(),
                            "wide: a row a line, the header names the columns; long: a rating a "
                            "line. auto: long where the separator is ::, where a header of 3 to 16 "
                            "fields names a value (rating, score, stars, value) or a user and an "
                            "item first, or where there is no header and each line has the same 3 "
                            "or 4 fields, the third a number; else wide");
  add_choice<std::string>(
      app, "--separator", options.separator,
      {{"auto", ""}, {"comma", ","}, {"tab", "\t"}, {"semicolon", ";"}, {"::", "::"}},
      "what stands between two fields; auto: what the first line has most of");
  add_choice<RepeatedPairs>(app, "--repeated", options.repeated, choices<RepeatedPairs>(),
                            "long: what to do where several lines rate the same row and column");
  app.add_flag("--keep-zeros", options.keep_zeros, "a cell equal to 0 is a rating; else it is none")
      ->group("Reading");
  app.add_flag("--transpose", options.transpose, "swap rows and columns")->group("Reading");
  app.add_option("--row-column", options.row_column,
                 "long: name or number of the column of row ids [the first that is left]")
      ->group("Reading");
  app.add_option("--column-column", options.column_column,
                 "long: name or number of the column of column ids [the next that is left]")
      ->group("Reading");
  app.add_option("--value-column", options.value_column,
                 "long: name or number of the column of values [the one named so, or the third]")
      ->group("Reading");
}

}  // namespace hourglass::cli
