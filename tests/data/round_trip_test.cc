#include <fmt/format.h>
#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "data/id_table.h"
#include "data/reading.h"
#include "hourglass/data/digest.h"
#include "hourglass/data/write_wide.h"

namespace hourglass::test {
namespace {

/// A random matrix, and every way a program might write it.
class Sample {
 public:
  explicit Sample(unsigned seed) : random_(seed) {
    const bool numbers = random_() % 2 == 0;
    row_ids_ = random_ids(1 + random_() % 12, numbers);
    column_ids_ = random_ids(1 + random_() % (seed % 5 == 0 ? 90 : 12), numbers);
    const unsigned one_in = 1 + random_() % 8;
    for (std::size_t r = 0; r < row_ids_.size(); ++r) {
      for (std::size_t c = 0; c < column_ids_.size(); ++c) {
        if (random_() % one_in == 0) cells_[{r, c}] = random_value();
      }
    }
    expected_.row_name = "rows";
    for (const auto& id : row_ids_) expected_.row_ids.add(id);
    for (const auto& id : column_ids_) expected_.column_ids.add(id);
    CsrMatrix& m = expected_.matrix;
    m.n_rows = expected_.row_ids.size();
    m.n_columns = expected_.column_ids.size();
    for (std::size_t r = 0; r < row_ids_.size(); ++r) {
      for (auto cell = cells_.lower_bound({r, 0}); cell != cells_.end() && cell->first.first == r;
           ++cell) {
        m.columns.push_back(static_cast<std::int32_t>(cell->first.second));
        m.values.push_back(cell->second);
      }
      m.row_offsets.push_back(static_cast<std::int64_t>(m.columns.size()));
    }
  }

  const Ratings& expected() const { return expected_; }

  std::string wide(const std::string& separator) {
    begin_dialect(separator);
    std::string text = bom_ + quoted("rows");
    for (const auto& id : column_ids_) text += separator + quoted(id);
    for (std::size_t r = 0; r < row_ids_.size(); ++r) {
      text += newline_ + quoted(row_ids_[r]);
      for (std::size_t c = 0; c < column_ids_.size(); ++c) {
        const auto cell = cells_.find({r, c});
        text += separator;
        if (cell != cells_.end()) text += quoted(fmt::format("{}", cell->second));
      }
    }
    return text + last_newline_;
  }

  /// Empty rows and columns cannot be said in a long file: a rating of 0 names them.
  std::string long_lines(const std::string& separator) {
    begin_dialect(separator);
    std::vector<std::array<std::string, 3>> lines;
    for (const auto& [place, value] : cells_) {
      lines.push_back({row_ids_[place.first], column_ids_[place.second], fmt::format("{}", value)});
    }
    for (std::size_t r = 0; r < row_ids_.size(); ++r) {
      for (std::size_t c = 0; c < column_ids_.size(); ++c) {
        if (!cells_.contains({r, c})) lines.push_back({row_ids_[r], column_ids_[c], "0"});
      }
    }
    std::shuffle(lines.begin(), lines.end(), random_);
    const bool more = random_() % 2 == 0;
    std::string text = bom_;
    text += fmt::format("rows{0}cols{0}value", separator) + (more ? separator + "when" : "");
    for (const auto& line : lines) {
      text +=
          newline_ + quoted(line[0]) + separator + quoted(line[1]) + separator + quoted(line[2]);
      if (more) text += separator + quoted("12");
    }
    return text + last_newline_;
  }

 private:
  std::vector<std::string> random_ids(std::size_t n, bool numbers) {
    constexpr std::string_view kBytes = "ab0,;:\t\"\n\xC3\xA9 ";
    IdTable table;
    while (table.ids().size() < static_cast<std::int64_t>(n)) {
      std::string id;
      if (numbers) {
        id = std::to_string(static_cast<std::int64_t>(random_() % 2000) - 500);
      } else {
        for (auto k = 1 + random_() % 6; k > 0; --k) id += kBytes[random_() % kBytes.size()];
        id += 'x';  // no number, so that the order is by bytes
      }
      table.insert(id);
    }
    std::vector<std::string> ids;
    for (const auto k : sorted_order(table.ids())) ids.emplace_back(table.ids()[k]);
    return ids;
  }

  float random_value() {
    if (random_() % 2 == 0) return static_cast<float>(1 + random_() % 10) / 2;
    return (static_cast<float>(random_() % 2000000) - 1e6f + 0.5f) * 1.37e-5f;
  }

  void begin_dialect(const std::string& separator) {
    separator_ = separator;
    bom_ = random_() % 3 == 0 ? "\xEF\xBB\xBF" : "";
    newline_ = random_() % 2 == 0 ? "\n" : "\r\n";
    last_newline_ = random_() % 3 == 0 ? "" : random_() % 3 == 0 ? newline_ + newline_ : newline_;
    quote_all_ = random_() % 3 == 0;
  }

  std::string quoted(const std::string& field) const {
    if (!quote_all_ && field.find_first_of(",;:\t\"\r\n") == std::string::npos) return field;
    std::string text = "\"";
    for (const char c : field) text.append(c == '"' ? 2 : 1, c);
    return text + '"';
  }

  std::mt19937 random_;
  std::vector<std::string> row_ids_, column_ids_;
  std::map<std::pair<std::size_t, std::size_t>, float> cells_;
  Ratings expected_;
  std::string separator_, bom_, newline_, last_newline_;
  bool quote_all_ = false;
};

class RoundTrip : public Reading {};

TEST_F(RoundTrip, EveryDialectGivesTheSameMatrix) {
  for (unsigned seed = 0; seed < 12 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Sample sample(seed);
    const std::string expected = drawn(sample.expected());
    for (const std::string separator : {",", "\t", ";", "::"}) {
      ReadOptions options = kAsWide;
      options.separator = separator;
      ASSERT_EQ(read(sample.wide(separator), options), expected) << "wide, " << separator;
      ASSERT_TRUE(same_ratings(last_, sample.expected()));
      options = kAsLong;
      options.separator = separator;
      ASSERT_EQ(read(sample.long_lines(separator), options), expected) << "long, " << separator;
      ASSERT_TRUE(same_ratings(last_, sample.expected()));
      EXPECT_EQ(digest(last_), digest(sample.expected()));
    }
  }
}

TEST_F(RoundTrip, WhatIsWrittenIsRead) {
  for (unsigned seed = 0; seed < 100 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Sample sample(seed);
    for (const char* name : {"w.csv", "w.csv.gz"}) {
      write_wide(sample.expected(), folder_ / name);
      ReadOptions options = kAsWide;
      options.separator = ",";
      options.block_bytes = 1 + seed % 9;
      EXPECT_TRUE(same_ratings(read_ratings(folder_ / name, options), sample.expected()));
    }
  }
}

TEST_F(RoundTrip, TransposedTwiceIsTheSame) {
  for (unsigned seed = 0; seed < 50 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Sample sample(seed);
    ReadOptions options = kAsWide;
    options.separator = ",";
    options.transpose = true;
    put_bytes(folder_ / "w", sample.wide(","));
    const Ratings once = read_ratings(folder_ / "w", options);
    put_bytes(folder_ / "l", sample.long_lines(","));
    options.format = RatingsFormat::kLong;
    EXPECT_TRUE(same_ratings(read_ratings(folder_ / "l", options), once));
    write_wide(once, folder_ / "t");
    options.format = RatingsFormat::kWide;
    EXPECT_TRUE(same_ratings(read_ratings(folder_ / "t", options), sample.expected()));
  }
}

TEST(Digest, DependsOnEverythingButTheFile) {
  const Sample sample(3);
  const std::string plain = digest(sample.expected());
  EXPECT_EQ(plain.size(), 64u);
  Ratings other = sample.expected();
  other.row_name = "else";
  other.zeros_dropped = 7;
  EXPECT_EQ(digest(other), plain);
  other.matrix.values[0] += 1;
  EXPECT_NE(digest(other), plain);
  other = sample.expected();
  other.matrix.n_columns += 1;
  EXPECT_NE(digest(other), plain);
  other = sample.expected();
  std::swap(other.row_ids, other.column_ids);
  EXPECT_NE(digest(other), plain);
}

}  // namespace
}  // namespace hourglass::test
