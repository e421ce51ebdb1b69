#pragma once

#include <filesystem>

namespace hourglass {

/// Makes `path` and the folders above it where they are missing, and syncs what holds each: a file
/// that is synced in a folder that a loss of power takes is lost. Throws Error where it is a file
/// or cannot be made.
void create_folder(const std::filesystem::path& path);

/// The folder that holds `path`.
std::filesystem::path folder_of(const std::filesystem::path& path);

/// The names in `folder` outlive a loss of power, as far as its file system can promise it. Throws
/// Error.
void sync_folder(const std::filesystem::path& folder);

}  // namespace hourglass
