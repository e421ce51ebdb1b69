// `info` and `generate`.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "cli/program.h"
#include "support/temp_folder.h"

namespace hourglass::test {
namespace {

TEST(GenerateCommandTest, WritesWhatInfoReads) {
  const TempFolder folder;
  for (const std::string name : {"m.csv", "m.csv.gz"}) {
    const Outcome written = hourglass({"generate", "--output", folder / name, "--rows", "50",
                                       "--columns", "20", "--sparsity", "0.5", "--noise", "0"});
    ASSERT_EQ(written.code, 0) << written.err;
    EXPECT_EQ(file_bytes(folder / name).starts_with("\x1f\x8b"), name.ends_with(".gz"));
    const Outcome info = hourglass({"info", folder / name, "--json"});
    ASSERT_EQ(info.code, 0) << info.err;
    const auto json = nlohmann::json::parse(info.out);
    EXPECT_EQ(json.at("rows"), 50);
    EXPECT_EQ(json.at("columns"), 20);
    const Outcome again =
        hourglass({"generate", "--output", folder / name, "--rows", "50", "--columns", "20",
                   "--sparsity", "0.5", "--noise", "0", "--json"});
    EXPECT_EQ(nlohmann::json::parse(again.out).at("ratings"), json.at("ratings"));
    // 1000 cells, of which 5/12 are 1..5: 417, give or take five deviations of 16.
    EXPECT_NEAR(json.at("ratings").get<double>(), 417, 80);
  }
  const Outcome plain = hourglass({"info", folder / "m.csv"});
  const Outcome packed = hourglass({"info", folder / "m.csv.gz", "--json"});
  EXPECT_EQ(nlohmann::json::parse(hourglass({"info", folder / "m.csv", "--json"}).out).at("sha256"),
            nlohmann::json::parse(packed.out).at("sha256"));
  for (const char* word : {"rows", "columns", "ratings", "density", "longest row"}) {
    EXPECT_TRUE(contains(plain.out, word)) << word << ": " << plain.out;
  }
}

TEST(GenerateCommandTest, FollowsItsOptions) {
  const TempFolder folder;
  const auto bytes = [&](std::vector<std::string> more) {
    std::vector<std::string> words = {"generate", "--rows", "20", "--columns", "7"};
    words.insert(words.end(), more.begin(), more.end());
    words.insert(words.end(), {"--output", folder / "x.csv"});
    EXPECT_EQ(hourglass(words).code, 0);
    return file_bytes(folder / "x.csv");
  };
  EXPECT_EQ(bytes({}), bytes({"--seed", "42"}));
  EXPECT_NE(bytes({}), bytes({"--seed", "43"}));
  EXPECT_NE(bytes({}), bytes({"--noise", "0.1"}));
  EXPECT_NE(bytes({}), bytes({"--sparsity", "0.1"}));
  EXPECT_EQ(hourglass({"generate", "--sparsity", "2", "--output", folder / "y.csv"}).code, 2);
  EXPECT_EQ(hourglass({"generate", "--output", folder / "none" / "y.csv"}).code, 1);
}

TEST(InfoCommandTest, CountsWhatWasDroppedAndKeepsZerosWhenAsked) {
  const TempFolder folder;
  put_bytes(folder / "w.csv", "id,a,b,c\nx,1,0,\ny,,2,5\nz,,,\n");
  const auto info = [&](std::vector<std::string> more) {
    std::vector<std::string> words = {"info", folder / "w.csv", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return nlohmann::json::parse(hourglass(words).out);
  };
  EXPECT_EQ(info({}).at("ratings"), 3);
  EXPECT_EQ(info({}).at("rows"), 3);
  EXPECT_EQ(info({"--keep-zeros"}).at("ratings"), 4);
  EXPECT_TRUE(contains(hourglass({"info", folder / "w.csv"}).out, "zero")) << "the dropped one";
  EXPECT_NE(info({}).at("sha256"), info({"--transpose"}).at("sha256"));
}

TEST(InfoCommandTest, ErrorsNameThePlaceOnOneLine) {
  const TempFolder folder;
  put_bytes(folder / "bad.csv", "id,a,b\nx,1,two\n");
  const Outcome bad = hourglass({"info", folder / "bad.csv"});
  EXPECT_EQ(bad.code, 1);
  EXPECT_EQ(bad.out, "");
  EXPECT_TRUE(bad.err.starts_with("hourglass: error: ")) << bad.err;
  EXPECT_TRUE(contains(bad.err, "bad.csv:2:3: ")) << bad.err;
  EXPECT_EQ(bad.err.find('\n'), bad.err.size() - 1) << bad.err;
  EXPECT_EQ(hourglass({"info"}).code, 2);
  EXPECT_EQ(hourglass({"info", folder / "none.csv"}).code, 1);
  EXPECT_EQ(hourglass({}).code, 2);
  EXPECT_EQ(hourglass({"inform"}).code, 2);
}

TEST(ProgramTest, TellsVersionAndHelp) {
  const Outcome version = hourglass({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_TRUE(version.out.starts_with("hourglass ")) << version.out;
  const Outcome help = hourglass({"train", "--help"});
  EXPECT_EQ(help.code, 0);
  for (const char* option : {"--resume", "--checkpoint-every", "--bottleneck", "=64", "--rows"}) {
    EXPECT_TRUE(contains(help.out, option)) << option << ": " << help.out;
  }
}

}  // namespace
}  // namespace hourglass::test
