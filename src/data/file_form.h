#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data/csv_fields.h"
#include "hourglass/data/read_ratings.h"

namespace hourglass {

/// What the first lines of a file say about the rest, together with what the options demand.
struct FileForm {
  RatingsFormat format = RatingsFormat::kWide;  // never kAuto
  bool detected = false;  // nobody asked for the format: errors about it say how to ask
  Separator separator;
  std::vector<std::string> first_record;  // empty where kFormBytes do not hold it, or it is broken
};

/// As much of a file's beginning as recognize_form needs.
inline constexpr std::size_t kFormBytes = std::size_t{1} << 16;

/// Applies the rules in read_ratings.h to the beginning of a text; `whole`: that is all of it.
FileForm recognize_form(std::string_view beginning, bool whole, const ReadOptions& options);

/// The field is named as a value is: rating, score, ..., alone or as the end of a name.
bool names_a_value(std::string_view field);

}  // namespace hourglass
