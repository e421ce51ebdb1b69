#include "hourglass/core/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
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

/// Names in a folder, hidden ones too.
std::vector<std::string> names_in(const TempFolder& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    names.push_back(entry.path().filename());
  }
  return names;
}

/// Runs `action` in a child; the child's exit status, 99 where `action` throws an Error.
template <class Action>
int in_child(Action action) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      action();
    } catch (const Error& error) {
      std::fprintf(stderr, "%s\n", error.what());
      ::_exit(99);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(AtomicFile, AppearsOnlyAtCommit) {
  const TempFolder folder;
  AtomicFile file(folder / "a.csv");
  file.write("epochs,losses\n");
  EXPECT_EQ(names_in(folder), std::vector<std::string>{".a.csv.tmp"});
  EXPECT_EQ(file.size(), 14);
  file.commit();
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"a.csv"});
  EXPECT_EQ(file_bytes(folder / "a.csv"), "epochs,losses\n");
}

TEST(AtomicFile, KeepsEveryByteOfSmallAndLargeWrites) {
  const TempFolder folder;
  std::string expected;
  AtomicFile file(folder / "a");
  for (const std::size_t n : {0, 1, 31, 262'143, 262'144, 262'145, 1'000'003, 2, 262'142, 1}) {
    std::string piece(n, '\0');
    for (std::size_t i = 0; i < n; ++i) piece[i] = static_cast<char>((i * 131 + n) >> 3);
    file.write(piece);
    expected += piece;
    EXPECT_EQ(file.size(), static_cast<std::int64_t>(expected.size()));
  }
  file.commit();
  EXPECT_TRUE(file_bytes(folder / "a") == expected);
}

TEST(AtomicFile, PatchesWhatWasWritten) {
  const TempFolder folder;
  AtomicFile file(folder / "a");
  file.write("count 0000;");
  file.patch(6, "0042");
  file.write(" end");
  EXPECT_THROW(file.patch(12, "long"), std::out_of_range);
  EXPECT_THROW(file.patch(-1, "x"), std::out_of_range);
  file.patch(15, "");
  file.commit();
  EXPECT_EQ(file_bytes(folder / "a"), "count 0042; end");
  EXPECT_THROW(file.write("more"), std::logic_error);
  EXPECT_THROW(file.commit(), std::logic_error);
}

TEST(AtomicFile, WithoutCommitLeavesTheOldFile) {
  const TempFolder folder;
  write_file(folder / "a", "old");
  {
    AtomicFile file(folder / "a");
    file.write("new");
    AtomicFile moved = std::move(file);
    moved.write("er");
  }
  EXPECT_EQ(file_bytes(folder / "a"), "old");
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"a"});
}

TEST(AtomicFile, OverwritesWhatAKilledProcessLeft) {
  const TempFolder folder;
  const int status = in_child([&] {
    AtomicFile file(folder / "a");
    file.write(std::string(1'000'000, 'x'));
    ::raise(SIGKILL);
  });
  ASSERT_EQ(status, -SIGKILL);
  ASSERT_EQ(names_in(folder), std::vector<std::string>{".a.tmp"});
  write_file(folder / "a", "short");
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"a"});
  EXPECT_EQ(file_bytes(folder / "a"), "short");
}

TEST(AtomicFile, RefusesASecondWriter) {
  const TempFolder folder;
  AtomicFile first(folder / "a");
  first.write("first");
  const std::string text = error_text([&] { AtomicFile second(folder / "a"); });
  EXPECT_NE(text.find((folder / "a").string() + ": another program is writing it"), text.npos)
      << text;
  first.commit();
  EXPECT_EQ(file_bytes(folder / "a"), "first");
  write_file(folder / "a", "second");
}

TEST(AtomicFile, NamesTheFileWhereTheFolderIsWrong) {
  const TempFolder folder;
  const std::string missing = folder / "none/a";
  std::string text = error_text([&] { AtomicFile file(missing); });
  EXPECT_EQ(text,
            missing +
                ": cannot write it: No such file or directory; check the path, and that its folder "
                "exists");

  put_bytes(folder / "file", "x");
  text = error_text([&] { AtomicFile file(folder / "file/a"); });
  EXPECT_NE(text.find("Not a directory"), text.npos) << text;
  text = error_text([&] { AtomicFile file(folder.path()); });
  EXPECT_NE(text.find("Is a directory"), text.npos) << text;
  text = error_text([&] { AtomicFile file(folder / ""); });
  EXPECT_NE(text.find("Is a directory"), text.npos) << text;
  text = error_text([&] { AtomicFile file(folder / std::string(254, 'n')); });
  EXPECT_NE(text.find("use a shorter name"), text.npos) << text;
}

TEST(AtomicFile, NeverReplacesADevice) {
  const std::string text = error_text([] { AtomicFile file("/dev/null"); });
  EXPECT_NE(text.find("not a regular file"), text.npos) << text;
  struct stat status;
  ASSERT_EQ(::stat("/dev/null", &status), 0);
  EXPECT_TRUE(S_ISCHR(status.st_mode));
}

TEST(AtomicFile, LeavesAlonePipesAndLinksInTheWay) {
  const TempFolder folder;
  ASSERT_EQ(::mkfifo((folder / ".a.tmp").c_str(), 0600), 0);
  std::string text = error_text([&] { AtomicFile file(folder / "a"); });
  EXPECT_NE(text.find("is in the way"), text.npos) << text;

  put_bytes(folder / "precious", "kept");
  std::filesystem::create_symlink("precious", folder / ".b.tmp");
  text = error_text([&] { AtomicFile file(folder / "b"); });
  EXPECT_EQ(file_bytes(folder / "precious"), "kept");
}

// A limit on the file size stands for a full disk: write() is cut short, then fails.
TEST(AtomicFile, AFullDiskLeavesTheOldFile) {
  const TempFolder folder;
  write_file(folder / "a", "old");
  const int status = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {.rlim_cur = 300'000, .rlim_max = 300'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    AtomicFile file(folder / "a");
    try {
      file.write(std::string(400'000, 'n'));
    } catch (const Error& error) {
      const std::string text = error.what();
      if (text.find("/a: cannot write it: ") == text.npos) ::_exit(1);
      // The object is good for nothing now: it must not commit what it has.
      try {
        file.commit();
      } catch (const std::logic_error&) {
        throw error;
      }
    }
  });
  EXPECT_EQ(status, 99);
  EXPECT_EQ(file_bytes(folder / "a"), "old");
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"a"});
}

TEST(AtomicFile, AFullDiskAtTheLastBytesLeavesTheOldFile) {
  const TempFolder folder;
  write_file(folder / "a", "old");
  const int status = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {.rlim_cur = 100, .rlim_max = 100};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    write_file(folder / "a", std::string(101, 'n'));
  });
  EXPECT_EQ(status, 99);
  EXPECT_EQ(file_bytes(folder / "a"), "old");
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"a"});
}

TEST(AtomicFile, AFailedRenameLeavesNothing) {
  const TempFolder folder;
  AtomicFile file(folder / "a");
  file.write("x");
  std::filesystem::create_directory(folder / "a");
  put_bytes(folder / "a/inside", "kept");
  const std::string text = error_text([&] { file.commit(); });
  EXPECT_NE(text.find("Is a directory"), text.npos) << text;
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"a"});
  EXPECT_EQ(file_bytes(folder / "a/inside"), "kept");
}

TEST(AtomicFile, IsRemovedWithWhatAKilledWriterLeft) {
  const TempFolder folder;
  put_bytes(folder / "a.csv", "1\n");
  put_bytes(folder / ".a.csv.tmp", "half");
  put_bytes(folder / "b.csv", "2\n");
  remove_file(folder / "a.csv");
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"b.csv"});
  remove_file(folder / "a.csv");  // none: nothing to do
  std::filesystem::create_directories(folder / "c" / "d");
  EXPECT_NE(error_text([&] { remove_file(folder / "c"); }).find("cannot remove it"), std::string::npos);
}

TEST(AtomicFile, WritesInTheCurrentFolder) {
  const TempFolder folder;
  EXPECT_EQ(in_child([&] {
              if (::chdir(folder.path().c_str()) != 0) ::_exit(1);
              write_file("a", "here");
            }),
            0);
  EXPECT_EQ(file_bytes(folder / "a"), "here");
}

// Several processes write one name at once: each either wins whole or is refused.
TEST(AtomicFile, RacingWritersNeverMix) {
  const TempFolder folder;
  std::vector<pid_t> children;
  for (int c = 0; c < 4; ++c) {
    const pid_t child = ::fork();
    if (child == 0) {
      const std::string text(5000, static_cast<char>('a' + c));
      for (int i = 0; i < 50; ++i) {
        try {
          write_file(folder / "f", text);
        } catch (const Error&) {
        }
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) ::waitpid(child, nullptr, 0);
  const std::string text = file_bytes(folder / "f");
  EXPECT_EQ(text, std::string(5000, text.at(0)));
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"f"});
}

}  // namespace
}  // namespace hourglass
