#pragma once

#include <string>

#include "hourglass/data/ratings.h"

namespace hourglass {

/// SHA-256, in 64 hex digits, over what the ratings are: the shape, the matrix and the ids, whatever
/// file they came from. The same on every machine: numbers are hashed in little-endian order.
std::string digest(const Ratings& ratings);

}  // namespace hourglass
