#include "data/file_form.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "data/rating_value.h"
#include "hourglass/core/error.h"

namespace hourglass {
namespace {

using Records = std::vector<std::vector<std::string>>;

constexpr std::size_t kSampledLines = 20;
constexpr std::size_t kMostLongFields = 16;
constexpr std::string_view kSeparators[] = {",", "\t", ";", "::"};

Separator separator_of(std::string_view text) { return Separator{text[0], text.size() == 2}; }

std::string_view first_line(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of("\r\n"), text.size()));
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (text[i] == '\n' && !quoted) return text.substr(0, i);
  }
  return text;
}

// The separator that the first line has most of, outside quotes.
Separator most_frequent_separator(std::string_view line) {
  std::array<std::size_t, std::size(kSeparators)> counts = {};
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') quoted = !quoted;
    if (quoted) continue;
    for (std::size_t k = 0; k < std::size(kSeparators); ++k) {
      if (line.substr(i).starts_with(kSeparators[k])) {
        ++counts[k];
        i += kSeparators[k].size() - 1;
        break;
      }
    }
  }
  const auto most = std::max_element(counts.begin(), counts.end()) - counts.begin();
  return separator_of(kSeparators[most]);
}

// The first records that are whole; none where not even one is.
Records sample(std::string_view beginning, bool whole, Separator separator) {
  Records records;
  CsvFields fields("", nullptr, beginning, separator);
  try {
    while (records.size() <= kSampledLines && fields.begin_record()) {
      std::vector<std::string> record;
      do {
        record.emplace_back(fields.next());
      } while (!fields.record_ended());
      records.push_back(std::move(record));
    }
  } catch (const Error&) {  // the reader will meet it again and knows the place
    return records;
  }
  if (!whole && !records.empty()) records.pop_back();
  return records;
}

std::string letters_of(std::string_view name) {
  std::string letters;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') letters += static_cast<char>(c - 'A' + 'a');
    if (c >= 'a' && c <= 'z') letters += c;
  }
  return letters;
}

bool names_one_of(std::string_view field, std::initializer_list<std::string_view> nouns) {
  std::string name = letters_of(field);
  if (name.size() > 2 && name.ends_with("id")) name.resize(name.size() - 2);
  return std::find(nouns.begin(), nouns.end(), name) != nouns.end();
}

bool names_a_user(std::string_view field) {
  return names_one_of(field, {"user", "customer", "reader", "member", "person", "rater", "client"});
}

bool names_an_item(std::string_view field) {
  return names_one_of(field, {"item", "movie", "film", "book", "isbn", "product", "song", "track",
                              "artist", "game", "article", "joke", "anime", "show", "asin"});
}

bool has_long_header(const std::vector<std::string>& first) {
  return std::any_of(first.begin(), first.end(), names_a_value) ||
         (names_a_user(first[0]) && names_an_item(first[1])) ||
         (names_an_item(first[0]) && names_a_user(first[1]));
}

bool is_long_without_header(const Records& records) {
  const auto& first = records.front();
  if (first.size() > 4 || looks_like_number(first[0]) != looks_like_number(first[1])) return false;
  return std::all_of(records.begin(), records.end(), [&](const auto& record) {
    return record.size() == first.size() && looks_like_number(record[2]) &&
           std::none_of(record.begin(), record.end(), [](const auto& f) { return f.empty(); });
  });
}

bool is_long(const Records& records) {
  if (records.empty()) return false;
  const std::size_t n_fields = records.front().size();
  if (n_fields < 3 || n_fields > kMostLongFields) return false;
  return has_long_header(records.front()) || is_long_without_header(records);
}

}  // namespace

bool names_a_value(std::string_view field) {
  const std::string name = letters_of(field);
  for (const std::string_view noun : {"rating", "ratings", "score", "value", "stars"}) {
    if (name.ends_with(noun)) return true;
  }
  return false;
}

FileForm recognize_form(std::string_view beginning, bool whole, const ReadOptions& options) {
  FileForm form;
  if (options.separator.empty()) {
    form.separator = most_frequent_separator(first_line(beginning));
  } else {
    if (std::find(std::begin(kSeparators), std::end(kSeparators), options.separator) ==
        std::end(kSeparators)) {
      throw UsageError(
          fmt::format("no separator {}; there are , tab ; and ::", shown(options.separator)));
    }
    form.separator = separator_of(options.separator);
  }
  const bool columns_named = !options.row_column.empty() || !options.column_column.empty() ||
                             !options.value_column.empty();
  if (columns_named && options.format == RatingsFormat::kWide) {
    throw UsageError(
        "only a long file has a row, a column and a value column; a wide one has none");
  }
  Records records = sample(beginning, whole, form.separator);
  form.format = columns_named ? RatingsFormat::kLong : options.format;
  if (form.format == RatingsFormat::kAuto) {
    form.detected = true;
    const bool looks_long = form.separator.doubled || is_long(records);
    form.format = looks_long ? RatingsFormat::kLong : RatingsFormat::kWide;
  }
  if (!records.empty()) form.first_record = std::move(records.front());
  return form;
}

}  // namespace hourglass
