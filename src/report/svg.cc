#include "report/svg.h"

#include <fmt/format.h>

#include <algorithm>

namespace hourglass {
namespace {

// Okabe and Ito's colours, which differ for the colour-blind too, darkened for white paper until
// each has 3:1 contrast or more, and lightened for a dark page. Names begin with hg-: in an HTML
// page a style inside one chart holds for all of it, and this one is then there once a chart.
constexpr std::string_view kStyle = R"(<style>
.hg{color-scheme:light dark;--hg-page:#fff;--hg-ink:#1b1f24;--hg-soft:#57606a;--hg-grid:#e3e6ea;--hg-fill:#cfd6de;--hg-0:#0072b2;--hg-1:#d55e00;--hg-2:#00855f;--hg-3:#b0508e;--hg-4:#8a6a00;--hg-5:#2e8fc9;--hg-6:#6a4fb3;--hg-7:#57606a;font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
@media (prefers-color-scheme:dark){.hg{--hg-page:#15181c;--hg-ink:#e8eaed;--hg-soft:#a8b0b9;--hg-grid:#2f353c;--hg-fill:#4a535d;--hg-0:#5ab4ec;--hg-1:#ff8f45;--hg-2:#2fcf9f;--hg-3:#e38fc4;--hg-4:#e0bf3a;--hg-5:#a6dcff;--hg-6:#b9a5f5;--hg-7:#a8b0b9}}
@media print{.hg{color-scheme:light;--hg-page:#fff;--hg-ink:#000;--hg-soft:#333;--hg-grid:#ddd;--hg-fill:#ccc;--hg-0:#0072b2;--hg-1:#d55e00;--hg-2:#00855f;--hg-3:#b0508e;--hg-4:#8a6a00;--hg-5:#2e8fc9;--hg-6:#6a4fb3;--hg-7:#57606a}}
.hg-page{fill:var(--hg-page)}
.hg text{fill:var(--hg-ink)}
.hg .hg-soft{fill:var(--hg-soft)}
.hg .hg-title{font-size:14px;font-weight:600}
.hg .hg-name{stroke:var(--hg-page);stroke-width:4px;paint-order:stroke;font-weight:700;font-size:13px}
.hg-grid{stroke:var(--hg-grid);fill:none}
.hg-axis{stroke:var(--hg-soft);fill:none}
.hg-bar{fill:var(--hg-fill)}
.hg-line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.hg-level{fill:none;stroke:var(--hg-soft);stroke-width:1.5}
.hg-points{fill:none;stroke-width:4.5;stroke-linecap:round;stroke-opacity:.55}
.hg-ring{fill:var(--hg-page);stroke-width:2}
.hg-s0{stroke:var(--hg-0)}.hg-s1{stroke:var(--hg-1)}.hg-s2{stroke:var(--hg-2)}.hg-s3{stroke:var(--hg-3)}.hg-s4{stroke:var(--hg-4)}.hg-s5{stroke:var(--hg-5)}.hg-s6{stroke:var(--hg-6)}.hg-s7{stroke:var(--hg-7)}
.hg-d1{stroke-dasharray:7 4}.hg-d2{stroke-dasharray:2 4}.hg-d3{stroke-dasharray:9 4 2 4}.hg-d4{stroke-dasharray:14 4}.hg-d5{stroke-dasharray:5 3 1 3 1 3}.hg-d6{stroke-dasharray:1 5}
</style>
)";
constexpr int kDashes = 7;  // no multiple of kStyles: the pairs repeat after 56

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Bytes of the character that `text` begins with; 0 where it is no UTF-8 (RFC 3629), or a character
// that XML 1.0 forbids.
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return first >= 0x20 || first == '\t' || first == '\n' || first == '\r' ? 1 : 0;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const unsigned char second = byte(1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool surrogate = first == 0xED && second >= 0xA0;
  const bool too_large = first == 0xF4 && second >= 0x90;
  const bool no_character = first == 0xEF && second == 0xBF && byte(2) >= 0xBE;
  return overlong || surrogate || too_large || no_character ? 0 : length;
}

double character_width(std::string_view character) {
  if (character.size() > 2) return 12;  // wide scripts, to be on the safe side
  // DejaVu Sans's, the widest of the fonts that the style names: a line that fits in it fits.
  constexpr std::string_view kNarrow = " .,:;'|!()[]-ijlftrI", kWide = "mwMWQO@%=+";
  if (kNarrow.find(character) != kNarrow.npos) return 4.9;
  if (kWide.find(character) != kWide.npos) return 11.7;
  const char c = character[0];
  return c >= 'A' && c <= 'Z' ? 8.6 : 7.7;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    switch (text[0]) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += length == 0 ? kReplacement : text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result;
}

double text_width(std::string_view text) {
  double width = 0;
  while (!text.empty()) {
    const std::size_t length = std::max<std::size_t>(character_length(text), 1);
    width += character_width(text.substr(0, length));
    text.remove_prefix(length);
  }
  return width;
}

std::string shortened(std::string_view text, double width) {
  if (text_width(text) <= width) return std::string(text);
  constexpr double kEllipsis = 12;
  std::size_t kept = 0;
  for (double used = kEllipsis; kept < text.size();) {
    const std::size_t length = std::max<std::size_t>(character_length(text.substr(kept)), 1);
    used += character_width(text.substr(kept, length));
    if (used > width) break;
    kept += length;
  }
  return fmt::format("{}…", text.substr(0, kept));
}

std::string series_classes(std::size_t i) {
  return fmt::format("hg-s{} hg-d{}", i % kStyles, i % kDashes);
}

void Svg::text(double x, double y, std::string_view text, Anchor anchor, std::string_view classes) {
  constexpr std::string_view kAnchors[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
  body_ +=
      fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\"{}", x, y, kAnchors[static_cast<int>(anchor)]);
  if (!classes.empty()) body_ += fmt::format(" class=\"{}\"", classes);
  body_ += fmt::format(">{}</text>\n", escaped(text));
}

std::string Svg::document(std::string_view title, std::string_view description, double width,
                          double height) const {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"hg\" role=\"img\" width=\"{0:.0f}\" "
      "height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\">\n<title>{2}</title>\n<desc>{3}</desc>\n"
      "{4}<rect class=\"hg-page\" width=\"{0:.0f}\" height=\"{1:.0f}\"/>\n{5}</svg>\n",
      width, height, escaped(title), escaped(description), kStyle, body_);
}

}  // namespace hourglass
