// `cluster`.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "cli/program.h"
#include "hourglass/data/read_ratings.h"
#include "support/temp_folder.h"

namespace hourglass::test {
namespace {

// Two kinds of readers, of six books; `q,1` needs its quotes, `nobody` has rated nothing.
constexpr const char* kTwoKinds =
    "reader,a,b,c,d,e,f\n"
    "\"q,1\",5,5,4,,,\n"
    "r2,5,4,3,,1,\n"
    "r3,4,5,5,1,,\n"
    "r4,,,1,5,5,4\n"
    "r5,2,,,4,3,5\n"
    "r6,,,,5,4,4\n"
    "nobody,,,,,,\n";

class ClusterCommandTest : public ::testing::Test {
 protected:
  void SetUp() override { put_bytes(folder_ / "r.csv", kTwoKinds); }

  Outcome cluster(const std::vector<std::string>& more, const std::string& output = "out") const {
    std::vector<std::string> words = {"cluster", folder_ / "r.csv", "--output", folder_ / output};
    words.insert(words.end(), more.begin(), more.end());
    return hourglass(words);
  }
  nlohmann::json written(const std::string& output = "out") const {
    return nlohmann::json::parse(file_bytes(folder_ / output / "clusters.json"));
  }

  TempFolder folder_;
};

TEST_F(ClusterCommandTest, WritesALineARowAndTheNumbers) {
  const Outcome outcome = cluster({"--clusters", "3"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  for (const char* word : {"component", "together", "cluster", "inertia", "silhouette"}) {
    EXPECT_NE(outcome.out.find(word), std::string::npos) << word << ": " << outcome.out;
  }
  EXPECT_NE(outcome.err.find("clusters.csv"), std::string::npos) << outcome.err;

  // Our own reader takes the file: row ids, and columns of numbers, zeros among them.
  const std::string path = folder_ / "out" / "clusters.csv";
  EXPECT_TRUE(file_bytes(path).starts_with("reader,pc1,pc2,cluster\n\"q,1\","));
  ReadOptions as_table;
  as_table.format = RatingsFormat::kWide;
  as_table.keep_zeros = true;
  const Ratings table = read_ratings(path, as_table);
  ASSERT_EQ(table.matrix.n_entries(), 7 * 3);
  EXPECT_EQ(table.row_ids[0], "q,1");
  EXPECT_EQ(table.row_ids[6], "nobody");
  std::vector<float> labels;
  for (std::size_t row = 0; row < 7; ++row) labels.push_back(table.matrix.values[3 * row + 2]);
  EXPECT_EQ(labels[0], labels[1]);
  EXPECT_EQ(labels[0], labels[2]);
  EXPECT_EQ(labels[3], labels[4]);
  EXPECT_EQ(labels[3], labels[5]);
  EXPECT_NE(labels[0], labels[3]);
  EXPECT_EQ(labels[6], 2) << "alone in the smallest cluster";

  const nlohmann::json json = written();
  EXPECT_EQ(json.at("of"), "rows");
  EXPECT_FALSE(json.contains("bottleneck"));
  EXPECT_EQ(json.at("rows"), 7);
  EXPECT_EQ(json.at("columns"), 6);
  EXPECT_EQ(json.at("components"), 2);
  EXPECT_EQ(json.at("clusters"), 3);
  EXPECT_EQ(json.at("sizes"), (std::vector<int>{3, 3, 1}));
  EXPECT_EQ(json.at("seed"), 42);
  EXPECT_EQ(json.at("silhouette_sample"), 7);
  EXPECT_GT(json.at("silhouette"), 0.6);
  ASSERT_EQ(json.at("centres").size(), 3U);
  EXPECT_EQ(json.at("centres")[0].size(), 2U);
  double explained = 0;
  for (const double ratio : json.at("explained_variance_ratio")) explained += ratio;
  EXPECT_GT(explained, 0.8);
  EXPECT_LT(explained, 1);
  EXPECT_NEAR(
      json.at("explained_variance")[0].get<double>() / json.at("total_variance").get<double>(),
      json.at("explained_variance_ratio")[0].get<double>(), 1e-12);
  EXPECT_GT(json.at("inertia"), 0);
}

TEST_F(ClusterCommandTest, PrintsItsJson) {
  const Outcome outcome = cluster({"--clusters", "2", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, file_bytes(folder_ / "out" / "clusters.json"));
}

TEST_F(ClusterCommandTest, FollowsItsOptions) {
  ASSERT_EQ(cluster({"--clusters", "2"}).code, 0);
  ASSERT_EQ(cluster({"--clusters", "2"}, "again").code, 0);
  for (const char* name : {"clusters.csv", "clusters.json"}) {
    EXPECT_EQ(file_bytes(folder_ / "out" / name), file_bytes(folder_ / "again" / name));
  }
  ASSERT_EQ(cluster({"--clusters", "1", "--components", "3", "--seed", "7", "--transpose"}).code,
            0);
  const nlohmann::json json = written();
  EXPECT_EQ(json.at("rows"), 6);
  EXPECT_EQ(json.at("columns"), 7);
  EXPECT_EQ(json.at("explained_variance").size(), 3U);
  EXPECT_EQ(json.at("sizes"), (std::vector<int>{6}));
  EXPECT_EQ(json.at("seed"), 7);
  EXPECT_TRUE(json.at("silhouette").is_null()) << "of one cluster there is none";
  EXPECT_TRUE(json.at("silhouette_sample").is_null());
  EXPECT_NE(file_bytes(folder_ / "out" / "clusters.csv").find("\na,"), std::string::npos);
  ASSERT_EQ(cluster({"--clusters", "3", "--sample", "4"}).code, 0);
  EXPECT_EQ(written().at("silhouette_sample"), 4);
}

TEST_F(ClusterCommandTest, OfAModelsCodes) {
  ASSERT_EQ(hourglass({"train", folder_ / "r.csv", "--output", folder_ / "run", "--epochs", "3",
                       "--hidden", "5", "--bottleneck", "3"})
                .code,
            0);
  const Outcome outcome =
      hourglass({"cluster", folder_ / "run" / "k=3", folder_ / "r.csv", "--output", folder_ / "out",
                 "--clusters", "2", "--components", "3", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const nlohmann::json json = written();
  EXPECT_EQ(json.at("of"), "codes");
  EXPECT_EQ(json.at("bottleneck"), 3);
  EXPECT_EQ(json.at("columns"), 3);
  // All of the codes' variance, and that of no others: encode writes them.
  double variance = 0;
  for (const double v : json.at("explained_variance")) variance += v;
  ASSERT_EQ(
      hourglass({"encode", folder_ / "run", folder_ / "r.csv", "--output", folder_ / "codes.npy"})
          .code,
      0);
  const std::string bytes = file_bytes(folder_ / "codes.npy");
  std::vector<float> codes(7 * 3);
  const std::size_t size = codes.size() * sizeof(float);
  std::memcpy(codes.data(), bytes.data() + bytes.size() - size, size);
  double expected = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    double sum = 0, squares = 0;
    for (std::size_t r = 0; r < 7; ++r) {
      sum += codes[r * 3 + c];
      squares += static_cast<double>(codes[r * 3 + c]) * codes[r * 3 + c];
    }
    expected += (squares - sum * sum / 7) / 6;
  }
  EXPECT_NEAR(variance, expected, 1e-9 * expected);
}

TEST_F(ClusterCommandTest, RefusesInOneLineAndWritesNothing) {
  const auto refused = [&](const std::vector<std::string>& more, const char* part) {
    const Outcome outcome = cluster(more);
    EXPECT_EQ(outcome.out, "");
    EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out" / "clusters.csv"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out" / "clusters.json"));
    return outcome.code;
  };
  EXPECT_EQ(refused({"--clusters", "8"}, "8 clusters of 7 rows"), 1);
  EXPECT_EQ(refused({"--components", "7"}, "1 to 6"), 1);
  EXPECT_EQ(refused({"--components", "0"}, "--components"), 2);
  EXPECT_EQ(refused({"--clusters", "-1"}, "--clusters"), 2);
  EXPECT_EQ(refused({"--sample", "0"}, "--sample"), 2);
  EXPECT_EQ(hourglass({"cluster", folder_ / "r.csv"}).code, 2) << "no --output";
  EXPECT_EQ(hourglass({"cluster", "--output", folder_ / "out"}).code, 2);
  EXPECT_EQ(refused({folder_ / "r.csv"}, "r.csv: "), 1) << "a file of ratings is no model";
  EXPECT_EQ(hourglass({"cluster", folder_ / "none.csv", "--output", folder_ / "out"}).code, 1);
  EXPECT_EQ(hourglass({"cluster", folder_ / "r.csv", "--output", folder_ / "r.csv"}).code, 1);
}

}  // namespace
}  // namespace hourglass::test
