#include "hourglass/train/run_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <utility>

#include "hourglass/core/atomic_file.h"
#include "hourglass/core/create_folder.h"
#include "hourglass/core/error.h"
#include "hourglass/core/json_text.h"

namespace hourglass {
RunFolder RunFolder::create(std::filesystem::path path) {
  create_folder(path);
  return RunFolder(std::move(path));
}

RunFolder RunFolder::open(std::filesystem::path path) {
  RunFolder folder(std::move(path));
  if (!folder.has_run()) {
    throw Error(
        fmt::format("{}: has no run.json, so it is not the folder of a run; name the folder "
                    "that train wrote with --output",
                    folder.path().string()));
  }
  return folder;
}

FileDescriptor RunFolder::lock() const {
  FileDescriptor folder(
      retry([&] { return ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!folder.is_open()) throw_file_error(path_, "open the folder", errno);
  if (retry([&] { return ::flock(folder.get(), LOCK_EX | LOCK_NB); }) != 0 &&
      errno == EWOULDBLOCK) {
    throw Error(
        fmt::format("{}: another hourglass is training into this folder; wait for it or "
                    "choose another --output",
                    path_.string()));
  }
  return folder;
}

bool RunFolder::has_run() const {
  std::error_code ignored;
  return std::filesystem::is_regular_file(run_json(), ignored);
}

void RunFolder::write_run(const nlohmann::json& run) const {
  // Paths in it may be no UTF-8; they are only told.
  write_file(run_json(), run.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + '\n');
}

nlohmann::json RunFolder::read_run() const {
  return read_json_object(run_json(), "train anew into another folder");
}

BottleneckFolder RunFolder::bottleneck(int k) const { return {path_ / fmt::format("k={}", k)}; }

BottleneckFolder RunFolder::create_bottleneck(int k) const {
  BottleneckFolder folder = bottleneck(k);
  // Where the run's own folder has gone, what it held is gone too: none may be made in its place.
  if (!std::filesystem::exists(path_)) throw_file_error(path_, "make a folder in it", ENOENT);
  std::error_code ignored;
  if (std::filesystem::is_symlink(folder.path, ignored)) {  // the run may have come from elsewhere
    throw Error(
        fmt::format("{}: is a symbolic link, and what is written there would replace files of "
                    "another folder; remove it",
                    folder.path.string()));
  }
  create_folder(folder.path);
  return folder;
}

std::vector<int> RunFolder::bottlenecks() const {
  std::vector<int> found;
  std::error_code error, ignored;
  for (const auto& entry : std::filesystem::directory_iterator(path_, error)) {
    const std::string name = entry.path().filename();
    int k = 0;
    const char* end = name.data() + name.size();
    if (name.starts_with("k=") && entry.is_directory(ignored) &&
        std::from_chars(name.data() + 2, end, k).ptr == end && name == fmt::format("k={}", k)) {
      found.push_back(k);
    }
  }
  if (error) throw_file_error(path_, "read the folder", error.value());
  std::ranges::sort(found);
  return found;
}

}  // namespace hourglass
