#include "hourglass/core/create_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <vector>

#include "hourglass/core/error.h"
#include "hourglass/core/file_descriptor.h"

namespace hourglass {

void create_folder(const std::filesystem::path& path) {
  std::error_code error;
  std::vector<std::filesystem::path> missing;  // the innermost first
  for (std::filesystem::path folder = path;
       !folder.empty() && !std::filesystem::exists(folder, error) && !error;
       folder = folder.parent_path()) {
    missing.push_back(folder);
  }
  for (auto folder = missing.rbegin(); folder != missing.rend() && !error; ++folder) {
    if (std::filesystem::create_directory(*folder, error)) sync_folder(folder_of(*folder));
  }
  // Over a file of that name create_directory() reports an error or, by some versions, none.
  if (std::error_code ignored; !error && !std::filesystem::is_directory(path, ignored)) {
    error = std::make_error_code(std::errc::file_exists);
  }
  if (error == std::errc::file_exists || error == std::errc::not_a_directory) {
    throw Error(fmt::format("{}: cannot make the folder: a file is in the way; name another folder",
                            path.string()));
  }
  if (error) throw_file_error(path, "make the folder", error.value());
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

void sync_folder(const std::filesystem::path& folder) {
  const FileDescriptor opened(
      retry([&] { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  // EACCES: a folder that we may write but not list. EINVAL: a file system that syncs no folders.
  if (!opened.is_open()) {
    if (errno != EACCES) throw_file_error(folder, "sync the folder", errno);
  } else if (retry([&] { return ::fsync(opened.get()); }) != 0 && errno != EINVAL &&
             errno != ENOTSUP) {
    throw_file_error(folder, "sync the folder", errno);
  }
}

}  // namespace hourglass
