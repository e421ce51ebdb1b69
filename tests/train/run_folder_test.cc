#include "hourglass/train/run_folder.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/error_text.h"
#include "support/temp_folder.h"

namespace hourglass {
namespace {

using test::error_text;
using test::file_bytes;
using test::put_bytes;
using test::TempFolder;

TEST(RunFolder, IsMadeWithTheFoldersAboveIt) {
  const TempFolder temp;
  for (int round = 0; round < 2; ++round) {  // the second time it is there
    const RunFolder folder = RunFolder::create(temp / "runs/a");
    EXPECT_TRUE(std::filesystem::is_directory(temp / "runs/a"));
    EXPECT_FALSE(folder.has_run());
    const BottleneckFolder k64 = folder.create_bottleneck(64);
    EXPECT_EQ(k64.path, temp / "runs/a/k=64");
    EXPECT_TRUE(std::filesystem::is_directory(k64.path));
    EXPECT_EQ(k64.model(), temp / "runs/a/k=64/model.safetensors");
    EXPECT_EQ(k64.checkpoint(), temp / "runs/a/k=64/checkpoint.safetensors");
  }
}

TEST(RunFolder, IsNotMadeAgainWhereItHasGone) {
  const TempFolder temp;
  const RunFolder folder = RunFolder::create(temp / "r");
  folder.create_bottleneck(8);
  std::filesystem::remove_all(temp / "r");
  EXPECT_NE(error_text([&] { folder.create_bottleneck(64); }).find("No such file"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(temp / "r"));
}

TEST(RunFolder, ABottlenecksFolderIsNoLinkToAnothers) {
  const TempFolder temp;
  const RunFolder mine = RunFolder::create(temp / "mine"),
                  other = RunFolder::create(temp / "other");
  std::filesystem::create_directory_symlink(mine.create_bottleneck(64).path, other.path() / "k=64");
  EXPECT_NE(error_text([&] { other.create_bottleneck(64); }).find("k=64: is a symbolic link"),
            std::string::npos);
}

TEST(RunFolder, ListsItsBottlenecks) {
  const TempFolder temp;
  const RunFolder folder = RunFolder::create(temp / "r");
  EXPECT_TRUE(folder.bottlenecks().empty());
  for (const int k : {64, 8, 128}) folder.create_bottleneck(k);
  put_bytes(temp / "r/k=7", "a file");
  for (const char* name : {"k=", "k=08", "k=8x", "x", "k=99999999999"}) {
    std::filesystem::create_directory(temp / "r" / name);
  }
  EXPECT_EQ(folder.bottlenecks(), (std::vector<int>{8, 64, 128}));
}

TEST(RunFolder, RefusesAPathThatIsAFile) {
  const TempFolder temp;
  put_bytes(temp / "f", "x");
  for (const auto& path : {temp / "f", temp / "f/below"}) {
    EXPECT_EQ(
        error_text([&] { RunFolder::create(path); }),
        path.string() + ": cannot make the folder: a file is in the way; name another folder");
  }
  const RunFolder folder = RunFolder::create(temp / "r");
  put_bytes(temp / "r/k=2", "x");
  error_text([&] { folder.create_bottleneck(2); });
  EXPECT_EQ(file_bytes(temp / "f"), "x");
  EXPECT_NE(error_text([] { RunFolder::create("/proc/none"); }).find("/proc/none: cannot make"),
            std::string::npos);
}

TEST(RunFolder, RunJsonComesBack) {
  const TempFolder temp;
  const RunFolder folder = RunFolder::create(temp / "r");
  EXPECT_NE(error_text([&] { RunFolder::open(temp / "r"); }).find("has no run.json"),
            std::string::npos);
  const nlohmann::json run = {{"options", {{"epochs", 1000}}}, {"outcome", "done"}};
  folder.write_run({{"outcome", "running"}});
  folder.write_run(run);
  EXPECT_EQ(RunFolder::open(temp / "r").read_run(), run);
  EXPECT_EQ(file_bytes(folder.run_json()),
            "{\n  \"options\": {\n    \"epochs\": 1000\n  },\n  \"outcome\": \"done\"\n}\n");
  folder.write_run({{"file", "B\xfc.csv"}});  // no UTF-8: told as well as can be
  EXPECT_TRUE(folder.read_run().contains("file"));
}

TEST(RunFolder, RefusesARunJsonThatIsNone) {
  const TempFolder temp;
  const RunFolder folder = RunFolder::create(temp / "r");
  error_text([&] { folder.read_run(); });
  for (const std::string& text : {std::string(), std::string("{"), std::string("[]"),
                                  std::string("7"), std::string(1'000'000, '[')}) {
    put_bytes(folder.run_json(), text);
    const std::string refusal = error_text([&] { folder.read_run(); });
    EXPECT_TRUE(refusal.starts_with(folder.run_json().string() + ": ")) << refusal;
  }
  std::filesystem::resize_file(folder.run_json(), std::uintmax_t{1} << 30);
  EXPECT_NE(error_text([&] { folder.read_run(); }).find("too large"), std::string::npos);
}

}  // namespace
}  // namespace hourglass
