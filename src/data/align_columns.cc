#include "hourglass/data/align_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "data/csv_fields.h"
#include "hourglass/core/error.h"
#include "hourglass/data/id_hash.h"

namespace hourglass {
namespace {

/// Where each id of `ids` stands among `names`; -1 where it does not.
std::vector<std::int32_t> places(const IdList& ids, const IdList& names) {
  std::unordered_map<std::string_view, std::int32_t, IdHash> place;
  place.reserve(static_cast<std::size_t>(names.size()));
  for (std::int64_t i = 0; i < names.size(); ++i) {
    place.emplace(names[i], static_cast<std::int32_t>(i));
  }
  std::vector<std::int32_t> found(static_cast<std::size_t>(ids.size()), -1);
  for (std::int64_t i = 0; i < ids.size(); ++i) {
    const auto at = place.find(ids[i]);
    if (at != place.end()) found[static_cast<std::size_t>(i)] = at->second;
  }
  return found;
}

}  // namespace

AlignedRatings align_columns(const CsrMatrix& matrix, const IdList& ids, const IdList& wanted) {
  AlignedRatings aligned;
  if (ids == wanted) {
    aligned.matrix = matrix;
    return aligned;
  }
  const std::vector<std::int32_t> place = places(ids, wanted);
  if (std::ranges::all_of(place, [](std::int32_t p) { return p < 0; })) {
    const auto first = [](const IdList& list) {
      return list.size() > 0 ? shown(list[0]) : std::string("none");
    };
    throw Error(fmt::format(
        "the columns of the ratings ({}, ...) share no id with those wanted ({}, ...): give "
        "ratings of the same kind (--transpose swaps rows and columns)",
        first(ids), first(wanted)));
  }
  for (std::int64_t c = 0; c < ids.size(); ++c) {
    if (place[static_cast<std::size_t>(c)] < 0) aligned.unknown_ids.add(ids[c]);
  }
  CsrMatrix& to = aligned.matrix;
  to.n_rows = matrix.n_rows;
  to.n_columns = wanted.size();
  std::vector<std::pair<std::int32_t, float>> row;
  for (std::int64_t r = 0; r < matrix.n_rows; ++r) {
    row.clear();
    for (auto e = static_cast<std::size_t>(matrix.row_offsets[static_cast<std::size_t>(r)]);
         e < static_cast<std::size_t>(matrix.row_offsets[static_cast<std::size_t>(r) + 1]); ++e) {
      const std::int32_t column = place[static_cast<std::size_t>(matrix.columns[e])];
      if (column >= 0) {
        row.emplace_back(column, matrix.values[e]);
      } else {
        ++aligned.n_unknown;
      }
    }
    std::sort(row.begin(), row.end());
    for (const auto& [column, value] : row) {
      to.columns.push_back(column);
      to.values.push_back(value);
    }
    to.row_offsets.push_back(static_cast<std::int64_t>(to.columns.size()));
  }
  return aligned;
}

}  // namespace hourglass
