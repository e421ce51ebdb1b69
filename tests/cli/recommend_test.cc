#include <gtest/gtest.h>

#include <algorithm>

#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "cli/program.h"
#include "cpu/backend.h"
#include "hourglass/data/read_ratings.h"
#include "hourglass/model/predictor.h"
#include "support/temp_folder.h"

namespace hourglass::test {
namespace {

struct Line {
  std::string row, column;
  float score = 0;

  bool operator==(const Line&) const = default;
};

std::vector<Line> lines_of(const std::string& csv) {
  std::vector<Line> lines;
  std::istringstream text(csv);
  std::string field;
  std::getline(text, field);  // the header
  while (std::getline(text, field, ',')) {
    Line line;
    line.row = field;
    std::getline(text, line.column, ',');
    std::getline(text, field);
    line.score = std::strtof(field.c_str(), nullptr);
    lines.push_back(line);
  }
  return lines;
}

class RecommendTest : public testing::Test {
 protected:
  void SetUp() override {
    const Outcome generate = hourglass({"generate", "--rows", "150", "--columns", "30",
                                        "--sparsity", "0.9", "--noise", "0.05", path("r.csv")});
    ASSERT_EQ(generate.code, 0);
    const Outcome train = hourglass({"train", path("r.csv"), "--output", path("run"), "--epochs",
                                     "3", "--hidden", "12", "--bottleneck", "4"});
    ASSERT_EQ(train.code, 0) << train.err;
    model_ = load_model(folder_ / "run" / "k=4" / "model.safetensors");
    ratings_ = read_ratings(path("r.csv"));
    std::vector<std::int32_t> rows(150);
    std::iota(rows.begin(), rows.end(), 0);
    cpu::CpuBackend backend(1);
    outputs_ = predict(backend, model_, ratings_.matrix, rows);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  Outcome recommend(std::vector<std::string> more) const {
    more.insert(more.begin(), {"recommend", path("run"), path("r.csv")});
    return hourglass(more);
  }
  bool is_rated(std::size_t row, std::size_t column) const {
    const CsrMatrix& m = ratings_.matrix;
    const auto begin = m.columns.begin() + m.row_offsets[row];
    return std::binary_search(begin, m.columns.begin() + m.row_offsets[row + 1],
                              static_cast<std::int32_t>(column));
  }
  Line cell(std::size_t row, std::size_t column) const {
    return {std::string(ratings_.row_ids[static_cast<std::int64_t>(row)]),
            std::string(ratings_.column_ids[static_cast<std::int64_t>(column)]),
            outputs_[row * 30 + column]};
  }
  static void sort_and_cut(std::vector<Line>& lines, std::size_t n) {
    std::ranges::stable_sort(lines, std::greater<>(), &Line::score);
    lines.resize(std::min(lines.size(), n));
  }

  const TempFolder folder_;
  Model model_;
  Ratings ratings_;
  std::vector<float> outputs_;
};

TEST_F(RecommendTest, AScoreThatIsNotFiniteIsAnError) {
  Model model = model_;
  model.biases.back()[0] = model.biases.back()[7] = 3e38F;
  for (float& weight : model.weights.back()) weight = 3e38F;
  save_model(folder_ / "large.safetensors", model);
  const Outcome outcome =
      hourglass({"recommend", path("large.safetensors"), path("r.csv"), "--json"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("a score is not finite"), std::string::npos) << outcome.err;
}

TEST_F(RecommendTest, EachRowsBestColumnsThatAreNotRated) {
  for (const std::size_t top : {1, 10, 1000}) {
    std::vector<Line> expected;
    for (std::size_t row = 0; row < 150; ++row) {
      std::vector<Line> of_row;
      for (std::size_t c = 0; c < 30; ++c) {
        if (!is_rated(row, c)) of_row.push_back(cell(row, c));
      }
      sort_and_cut(of_row, top);
      expected.insert(expected.end(), of_row.begin(), of_row.end());
    }
    const Outcome outcome = recommend({"--top", std::to_string(top)});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_TRUE(outcome.out.starts_with("row,column,score\n")) << outcome.out.substr(0, 40);
    EXPECT_EQ(lines_of(outcome.out), expected) << top;
  }
}

TEST_F(RecommendTest, AColumnsBestRows) {
  std::vector<Line> expected;
  for (const std::size_t column : {7, 3}) {
    std::vector<Line> of_column;
    for (std::size_t row = 0; row < 150; ++row) {
      if (!is_rated(row, column)) of_column.push_back(cell(row, column));
    }
    sort_and_cut(of_column, 5);
    expected.insert(expected.end(), of_column.begin(), of_column.end());
  }
  const Outcome outcome = recommend({"--column", "7", "3", "--top", "5"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(lines_of(outcome.out), expected);
}

TEST_F(RecommendTest, ThresholdAndRatedCells) {
  std::vector<Line> expected;
  for (std::size_t c = 0; c < 30; ++c) {
    if (cell(11, c).score > 0.2F) expected.push_back(cell(11, c));
  }
  sort_and_cut(expected, 30);
  ASSERT_FALSE(expected.empty());
  ASSERT_LT(expected.size(), 30U);
  const Outcome outcome =
      recommend({"--row", "11", "--top", "99", "--threshold", "0.2", "--include-rated"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(lines_of(outcome.out), expected);
  const Outcome json =
      recommend({"--row", "11", "--top", "99", "--threshold", "0.2", "--include-rated", "--json"});
  const auto array = nlohmann::json::parse(json.out);
  ASSERT_EQ(array.size(), expected.size());
  EXPECT_EQ(array.at(0).at("row"), "11");
  EXPECT_EQ(array.at(0).at("column"), expected[0].column);
  EXPECT_EQ(array.at(0).at("score").get<float>(), expected[0].score);
  EXPECT_EQ(nlohmann::json::parse(recommend({"--row", "11", "--threshold", "1e9", "--json"}).out),
            nlohmann::json::array());
}

// Columns in another order, unknown ones among them, and rows that were never trained on.
TEST_F(RecommendTest, NewRowsMeetTheModelById) {
  put_bytes(folder_ / "new.csv", "reader,29,unknown,3,\"odd, id\"\n\"a, b\",5,1,,2\nc,,,4,\n");
  const Outcome outcome = hourglass({"recommend", path("run/k=4"), path("new.csv"), "--top", "2"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.err,
                       "2 columns of the ratings are unknown to the model, and their 2 "
                       "ratings left out: unknown, odd, id"))
      << outcome.err;
  EXPECT_TRUE(outcome.out.starts_with("reader,column,score\n\"a, b\",")) << outcome.out;
  CsrMatrix rows = {
      .n_rows = 2, .n_columns = 30, .row_offsets = {0, 1, 2}, .columns = {29, 3}, .values = {5, 4}};
  cpu::CpuBackend backend(1);
  const std::vector<std::int32_t> both = {0, 1};
  std::vector<float> scores = predict(backend, model_, rows, both);
  scores[29] = scores[30 + 3] = -1e9F;
  const auto best = std::max_element(scores.begin() + 30, scores.end()) - scores.begin() - 30;
  EXPECT_TRUE(contains(outcome.out, "\nc," + std::to_string(best) + ",")) << outcome.out;
}

// Rows and columns are numbers both: read the wrong way round, the ids meet all the same.
TEST_F(RecommendTest, TheOtherOrientationIsWarnedOf) {
  EXPECT_FALSE(contains(recommend({"--row", "1"}).err, "--transpose"));
  EXPECT_TRUE(contains(recommend({"--row", "1", "--transpose"}).err,
                       "was trained without --transpose, and the ratings are read with it"));
}

TEST_F(RecommendTest, WhatIsNotThereIsRefused) {
  const auto refused = [&](const std::vector<std::string>& more, int code, const char* text) {
    const Outcome outcome = recommend(more);
    EXPECT_EQ(outcome.code, code) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, text)) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  };
  refused({"--row", "150"}, 1, "has no row 150");
  refused({"--column", "x"}, 1, "has no column x");
  refused({"--column", "1", "--row", "1"}, 2, "--");
  refused({"--top", "0"}, 2, "--top");
  EXPECT_EQ(hourglass({"recommend", path("none"), path("r.csv")}).code, 1);
  ASSERT_EQ(hourglass({"train", path("r.csv"), "--output", path("run"), "--epochs", "3", "--hidden",
                       "12", "--bottleneck", "2"})
                .code,
            0);
  refused({}, 1, "holds 2 models; name one");
}

// CLI11 would take "[p,q]" for two ids.
TEST_F(RecommendTest, IdsAreTakenAsTheyAre) {
  put_bytes(folder_ / "ids.csv", "reader,0,1\n\"[p,q]\",5,\n[1],,4\np,1,\n");
  const auto row_of = [&](const std::string& id) {
    const Outcome outcome =
        hourglass({"recommend", path("run"), path("ids.csv"), "--row", id, "--top", "1", "--json"});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return nlohmann::json::parse(outcome.out).at(0).at("row").get<std::string>();
  };
  EXPECT_EQ(row_of("[p,q]"), "[p,q]");
  EXPECT_EQ(row_of("[1]"), "[1]");
  EXPECT_EQ(row_of("p"), "p");
}

TEST_F(RecommendTest, AnyNumberOfThem) {
  const Outcome all = recommend({"--row", "11", "--top", "30"});
  EXPECT_EQ(recommend({"--row", "11", "--top", "9223372036854775807"}).out, all.out);
}

class EncodeTest : public RecommendTest {};

TEST_F(EncodeTest, OutputsMustNotOverwriteEachOther) {
  const auto code = [&](const std::string& codes, const std::string& reconstructions) {
    return hourglass({"encode", path("run"), path("r.csv"), "--output", path(codes),
                      "--reconstructions", path(reconstructions)})
        .code;
  };
  EXPECT_EQ(code("e.npy", "e.npy"), 2);
  EXPECT_EQ(code("e.npy", "e.npz"), 2) << "both would keep their ids in e.ids.csv";
  EXPECT_FALSE(std::filesystem::exists(folder_ / "e.npy"));
}

/// The floats of a .npy file of ours, whose header is checked by data_test.
std::vector<float> npy_floats(const std::filesystem::path& path, std::size_t n) {
  const std::string bytes = file_bytes(path);
  std::vector<float> values(n);
  std::memcpy(values.data(), bytes.data() + bytes.size() - n * sizeof(float), n * sizeof(float));
  return values;
}

TEST_F(EncodeTest, CodesAndReconstructionsWithTheirIds) {
  const Outcome outcome = hourglass({"encode", path("run"), path("r.csv"), "--output",
                                     path("c.npy"), "--reconstructions", path("x.npy"), "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json.at("files"),
            (nlohmann::json{path("c.npy"), path("c.ids.csv"), path("x.npy"), path("x.ids.csv")}));
  cpu::CpuBackend backend(2);
  EXPECT_EQ(npy_floats(folder_ / "c.npy", 150 * 4),
            Predictor(backend, model_).codes(ratings_.matrix));
  EXPECT_EQ(npy_floats(folder_ / "x.npy", 150 * 30), outputs_);
  EXPECT_TRUE(contains(file_bytes(folder_ / "c.npy"), "(150, 4)"));
  EXPECT_TRUE(contains(file_bytes(folder_ / "x.npy"), "(150, 30)"));
  EXPECT_TRUE(file_bytes(folder_ / "c.ids.csv").starts_with("row\n0\n1\n2\n"));
  EXPECT_TRUE(file_bytes(folder_ / "x.ids.csv").starts_with("column\n0\n1\n2\n"));
}

}  // namespace
}  // namespace hourglass::test
