#include "hourglass/core/file_descriptor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "hourglass/core/error.h"

namespace hourglass {
namespace {

std::string_view hint(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "free some space, or use a folder on another disk";
    case EFBIG:
      return "raise the limit on file sizes (ulimit -f), or use another disk";
    case EACCES:
    case EPERM:
    case EROFS:
      return "check its permissions, or use a folder that is yours";
    case ENOENT:
      return "check the path, and that its folder exists";
    case ENOTDIR:
      return "check the path; a part of it is a file, not a folder";
    case EISDIR:
      return "name a file, not a folder";
    case EMFILE:
    case ENFILE:
      return "raise the limit on open files (ulimit -n)";
    case ENAMETOOLONG:
      return "use a shorter name";
    case EIO:
      return "check the disk, and try again";
    default:
      return "check the path and the disk, and try again";
  }
}

}  // namespace

void FileDescriptor::reset() noexcept {
  // Not again after EINTR: Linux has closed the file then, and its number may be another's already.
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

void throw_file_error(const std::filesystem::path& path, std::string_view action, int error) {
  throw Error(fmt::format("{}: cannot {}: {}; {}", path.string(), action,
                          std::generic_category().message(error), hint(error)));
}

}  // namespace hourglass
