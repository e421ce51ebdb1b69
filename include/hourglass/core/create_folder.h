#pragma once

#include <filesystem>

namespace hourglass {

/// Makes `path` and the folders above it where they are missing. Throws Error where it is a file or
/// cannot be made.
void create_folder(const std::filesystem::path& path);

}  // namespace hourglass
