// Training on real ratings (../shared/data of the project's folder).
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/program.h"
#include "hourglass/train/run_folder.h"
#include "support/temp_folder.h"

namespace hourglass::test {
namespace {

TEST(GoodbooksTest, WideAndLongTrainToTheSameBytesWithoutADenseArray) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "skipped: the sanitizers' own memory and slowness";
#endif
  const std::filesystem::path data = HOURGLASS_DATA;
  if (!std::filesystem::exists(data / "goodbooks")) GTEST_SKIP() << "skipped: no data";
  const TempFolder folder;
  for (const std::string file : {"wide.csv.gz", "ratings.csv.gz"}) {
    const Outcome train = hourglass({"train", data / "goodbooks" / file, "--bottleneck", "64",
                                     "--epochs", "1", "--output", folder / file});
    ASSERT_EQ(train.code, 0) << train.err;
    // rows x columns is 2 GB; the batch x columns arrays of a dense step 27 MB each. Weights and
    // Adam's moments are 166 MB, the ratings 12.
    EXPECT_LT(RunFolder::open(folder / file).read_run().at("peak_mib").get<double>(), 400);
  }
  EXPECT_EQ(file_bytes(folder / "wide.csv.gz" / "k=64" / "model.safetensors"),
            file_bytes(folder / "ratings.csv.gz" / "k=64" / "model.safetensors"));
}

}  // namespace
}  // namespace hourglass::test
