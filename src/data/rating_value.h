#pragma once

#include <string>
#include <string_view>

namespace hourglass {

/// A rating as text to the double nearest to it (blanks round it allowed), such that rounding that
/// double to float gives the float nearest to the text. Returns false where the text is no finite
/// number that fits a float; `why` then says what is wrong with it.
bool parse_rating(std::string_view text, double& value, std::string& why);

/// Text that starts as a number does, including "nan" and "inf", which are no ratings.
bool looks_like_number(std::string_view text);

}  // namespace hourglass
