// Sizes that no machine has, in every option that takes one: refused in a line, or harmless.
#include <limits>

#include "cli/train_command.h"

namespace hourglass::test {
namespace {

const std::string kMost64 = std::to_string(std::numeric_limits<std::int64_t>::max());
const std::string kMost32 = std::to_string(std::numeric_limits<std::int32_t>::max());

class SizesTest : public TrainCommandTest {
 protected:
  /// Ends with `code`, in one line that has `part`.
  void refused(const Words& words, int code, const std::string& part) const {
    const Outcome outcome = hourglass(words);
    EXPECT_EQ(outcome.code, code) << outcome.err;
    EXPECT_EQ(outcome.err.find("hourglass: error: "), 0U) << outcome.err;
    EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, part)) << outcome.err;
  }
  static std::string works(const Words& words) {
    const Outcome outcome = hourglass(words);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.out;
  }
};

TEST_F(SizesTest, OfTheSyntheticMatrix) {
  const std::string most = "rows and columns must be from 1 to 2147483647";
  const Words endless = {"--rows", kMost64, "--columns", kMost64};
  refused(Words{"generate", path("g.csv")} + endless, 2, most);
  refused(Words{"train", "synthetic", "--output", path("a")} + endless, 2, most);
  refused({"generate", path("g.csv"), "--rows", "99999999999999999999"}, 2, most);
  const std::string needs = "the synthetic matrix needs ";
  for (const char* sparsity : {"0.5", "1"}) {
    const Words large = {"--rows", kMost32, "--columns", kMost32, "--sparsity", sparsity};
    refused(Words{"generate", path("g.csv")} + large, 1, needs);
    refused(Words{"train", "synthetic", "--output", path("b")} + large, 1, needs);
  }
  EXPECT_FALSE(std::filesystem::exists(path("g.csv")));
}

TEST_F(SizesTest, OfTheNetwork) {
  const std::string most = "units: use 1 to 1048576";
  refused(small("a", {"--hidden", kMost32 + "," + kMost32}), 1, most);
  refused(small("a", {"--bottleneck", kMost32}), 1, most);
  refused(small("a", {"--hidden", kMost64}), 2, "is no width");
  refused(small("a", {"--bottleneck", kMost64}), 2, "--bottleneck");
  const std::string needs = "the training needs ";
  refused(small("a", {"--hidden", "1048576,1048576"}), 1, needs);
  refused(small("a", {"--hidden", "1048576,1048576", "--objective", "observed"}), 1, needs);
  refused(small("a", {"--hidden", "none", "--bottleneck", "1048576", "--rows", "1", "--columns",
                      "1000000", "--noise", "0"}),
          1, needs);
  EXPECT_FALSE(std::filesystem::exists(path("a") + "/run.json")) << "nothing was begun";
}

TEST_F(SizesTest, OfTheTraining) {
  refused(small("a", {"--batch-size", kMost64}), 2, "--batch-size");
  refused(small("a", {"--threads", kMost32}), 2, "--threads");
  const std::string whole = works(
      small("a", {"--batch-size", kMost32, "--patience", kMost64, "--checkpoint-every", kMost64}));
  works(small("b", {"--batch-size", "300"}));
  EXPECT_EQ(model_bytes("a"), model_bytes("b")) << "a batch of all rows";
  works(small("c", {"--epochs", kMost64, "--min-delta", "1e9", "--patience", "2"}));
  EXPECT_EQ(run("c")["results"][0]["epochs"], 3);
}

TEST_F(SizesTest, OfWhatIsAskedOfAModel) {
  const std::string file = path("wide.csv");
  works({"generate", file, "--rows", "60", "--columns", "40", "--noise", "0"});
  works({"train", file, "--output", path("a"), "--epochs", "1", "--bottleneck", "5"});
  const std::string model = path("a") + "/k=5";
  const Words recommend = {"recommend", model, file, "--top"};
  EXPECT_EQ(works(recommend + Words{kMost64}), works(recommend + Words{"40"}));
  const Words by_column = {"recommend", model, file, "--column", "7", "--top"};
  EXPECT_EQ(works(by_column + Words{kMost64}), works(by_column + Words{"60"}));
  const Words evaluate = {"evaluate", model, file};
  refused(evaluate + Words{"--k", kMost64}, 1, "lower it");
  EXPECT_EQ(works(evaluate + Words{"--sample", kMost64}),
            works(evaluate + Words{"--sample", "all"}));
  const Words cluster = {"cluster", file, "--output", path("c")};
  refused(cluster + Words{"--components", kMost32}, 1, "ask for 1 to 40");
  refused(cluster + Words{"--components", kMost64}, 2, "--components");
  refused(cluster + Words{"--clusters", kMost32}, 1, "clusters of 60 rows; ask for 60 at most");
  refused(cluster + Words{"--clusters", kMost64}, 2, "--clusters");
  EXPECT_EQ(works(cluster + Words{"--sample", kMost64}), works(cluster + Words{"--sample", "60"}));
}

}  // namespace
}  // namespace hourglass::test
