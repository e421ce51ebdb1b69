#include "hourglass/core/create_folder.h"

#include <fmt/format.h>

#include <system_error>

#include "hourglass/core/error.h"
#include "hourglass/core/file_descriptor.h"

namespace hourglass {

void create_folder(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  // Over a file of that name create_directories() reports an error or, by some versions, none.
  if (!error && !std::filesystem::is_directory(path)) {
    error = std::make_error_code(std::errc::file_exists);
  }
  if (error == std::errc::file_exists || error == std::errc::not_a_directory) {
    throw Error(fmt::format("{}: cannot make the folder: a file is in the way; name another folder",
                            path.string()));
  }
  if (error) throw_file_error(path, "make the folder", error.value());
}

}  // namespace hourglass
