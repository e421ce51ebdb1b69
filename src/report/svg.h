#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "hourglass/core/grouped.h"

// The parts that every chart is made of.
namespace hourglass {

/// For the text and the attributes of XML and HTML: & < > " ' as entities; what is no UTF-8, and
/// what XML 1.0 allows in no document, as U+FFFD.
std::string escaped(std::string_view text);

/// Width of a text in pixels at the charts' font size, near enough to lay out by.
double text_width(std::string_view text);

/// `text` cut to `width` pixels, with an ellipsis where something is cut. Never cuts a character.
std::string shortened(std::string_view text, double width);

/// Colours and dashes that tell series apart repeat after so many.
constexpr int kStyles = 8;
/// "hg-s3 hg-d5": the classes of series `i`. A colour is paired with other dashes each time it
/// comes round.
std::string series_classes(std::size_t i);

/// Collects the elements of one chart.
class Svg {
 public:
  /// Appends an element as it is.
  void add(std::string_view element) { body_ += element; }
  enum class Anchor { kStart, kMiddle, kEnd };
  /// Text with its baseline at y; `classes` are added to the text's own.
  void text(double x, double y, std::string_view text, Anchor anchor = Anchor::kStart,
            std::string_view classes = "");

  /// The document, with its style, its title and its description for those who cannot see it.
  std::string document(std::string_view title, std::string_view description, double width,
                       double height) const;

 private:
  std::string body_;
};

}  // namespace hourglass
