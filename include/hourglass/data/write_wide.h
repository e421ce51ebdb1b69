#pragma once

#include <string>

#include "hourglass/data/ratings.h"

namespace hourglass {

/// Writes ratings as wide CSV (the header holds row_name and the column ids, a missing rating is an
/// empty field), gzip where the name ends in ".gz". Values are the shortest text that reads back as
/// the same float. The file appears whole, under a temporary name first. Throws Error.
void write_wide(const Ratings& ratings, const std::string& path);

}  // namespace hourglass
