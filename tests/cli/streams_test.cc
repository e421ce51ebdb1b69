// What the program says, where nobody hears it.
#include "cli/streams.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "cli/program.h"
#include "support/temp_folder.h"

namespace hourglass::test {
namespace {

/// `hourglass ARGUMENTS` in a shell, redirections and all; its exit code and stderr.
Outcome in_shell(const std::string& arguments, const std::filesystem::path& err) {
  const std::string command =
      "{ \"" HOURGLASS_PROGRAM "\" " + arguments + "; } 2>'" + err.string() + "'";
  Outcome outcome;
  const int status = std::system(command.c_str());
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  outcome.err = file_bytes(err);
  return outcome;
}

TEST(StreamsTest, ControlCharactersStayOnTheLine) {
  EXPECT_EQ(cli::in_one_line("a b/\xc3\xa9\\.csv"), "a b/\xc3\xa9\\.csv");
  EXPECT_EQ(cli::in_one_line("two\nlines\r\x1b[31m\x7f"), "two\\nlines\\x0d\\x1b[31m\\x7f");
  EXPECT_EQ(cli::in_one_line("\xc2\x9b"
                             "31m \xc2\xa9 \x9b"),
            "\\xc2\\x9b31m \xc2\xa9 \x9b")
      << "U+009B begins an escape sequence too";
}

TEST(StreamsTest, ALostResultIsAnErrorAndALostMessageIsNone) {
  const TempFolder folder;
  put_bytes(folder / "r.csv", "id,a,b\nx,1,2\ny,3,\n");
  const std::string info = "info '" + (folder / "r.csv").string() + "' ";
  for (const char* lost : {">/dev/full", ">&-"}) {
    const Outcome outcome = in_shell(info + lost, folder / "err");
    EXPECT_EQ(outcome.code, 1) << lost;
    EXPECT_TRUE(outcome.err.starts_with("hourglass: error: stdout: ")) << lost << outcome.err;
    EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << lost << outcome.err;
  }
  const std::string generate =
      "generate --rows 3 --columns 3 '" + (folder / "g.csv").string() + "' ";
  ASSERT_EQ(in_shell(generate, folder / "err").code, 0);
  const std::string usual = file_bytes(folder / "g.csv");
  for (const char* lost : {"2>/dev/full", "2>&-", "0<&- 1>&- 2>&-"}) {
    std::filesystem::remove(folder / "g.csv");
    EXPECT_EQ(in_shell(generate + lost, folder / "err").code, 0) << lost;
    EXPECT_EQ(file_bytes(folder / "g.csv"), usual) << lost << ": no message may get into a file";
  }
}

TEST(StreamsTest, AReaderOfMessagesThatGoesEndsNoTraining) {
  const TempFolder folder;
  const std::string out = "'" + (folder / "run").string() + "'";
  const std::string train = "train synthetic --rows 60 --columns 9 --epochs 40 --output " + out;
  // The training's own exit code; its messages have no reader but for the first.
  const Outcome outcome = in_shell(
      train + " 2>&1 >/dev/null | head -1 >/dev/null; test -e " + out + "/k=64/model.safetensors",
      folder / "err");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
}

}  // namespace
}  // namespace hourglass::test
