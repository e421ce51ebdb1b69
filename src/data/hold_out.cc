#include "hourglass/data/hold_out.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "hourglass/data/align_columns.h"
#include "hourglass/data/id_hash.h"

namespace hourglass {
namespace {

constexpr std::int64_t kNone = -1;

/// For each row of `ratings`, the row of `other` with its id; kNone where there is none.
std::vector<std::int64_t> rows_in(const Ratings& other, const Ratings& ratings) {
  std::unordered_map<std::string_view, std::int64_t, IdHash> row;
  row.reserve(static_cast<std::size_t>(other.row_ids.size()));
  for (std::int64_t r = 0; r < other.row_ids.size(); ++r) row.emplace(other.row_ids[r], r);
  std::vector<std::int64_t> rows(static_cast<std::size_t>(ratings.row_ids.size()), kNone);
  for (std::int64_t r = 0; r < ratings.row_ids.size(); ++r) {
    const auto found = row.find(ratings.row_ids[r]);
    if (found != row.end()) rows[static_cast<std::size_t>(r)] = found->second;
  }
  return rows;
}

void add_entry(CsrMatrix& to, const CsrMatrix& from, std::int64_t e) {
  to.columns.push_back(from.columns[static_cast<std::size_t>(e)]);
  to.values.push_back(from.values[static_cast<std::size_t>(e)]);
}

}  // namespace

HeldOut hold_out(const Ratings& ratings, const Ratings& held_out) {
  const CsrMatrix& all = ratings.matrix;
  const CsrMatrix out =
      align_columns(held_out.matrix, held_out.column_ids, ratings.column_ids).matrix;
  const std::vector<std::int64_t> row_of = rows_in(held_out, ratings);
  HeldOut result;
  CsrMatrix& given = result.split.given;
  CsrMatrix& hidden = result.split.hidden;
  for (CsrMatrix* part : {&given, &hidden}) {
    part->n_rows = all.n_rows;
    part->n_columns = all.n_columns;
  }
  for (std::size_t r = 0; r < row_of.size(); ++r) {
    std::int64_t h = 0, h_end = 0;
    if (row_of[r] != kNone) {
      h = out.row_offsets[static_cast<std::size_t>(row_of[r])];
      h_end = out.row_offsets[static_cast<std::size_t>(row_of[r]) + 1];
    }
    const auto column = [](const CsrMatrix& m, std::int64_t e) {
      return m.columns[static_cast<std::size_t>(e)];
    };
    for (std::int64_t e = all.row_offsets[r]; e < all.row_offsets[r + 1]; ++e) {
      while (h < h_end && column(out, h) < column(all, e)) add_entry(hidden, out, h++);
      if (h < h_end && column(out, h) == column(all, e)) {
        add_entry(hidden, out, h++);
      } else {
        add_entry(given, all, e);
      }
    }
    while (h < h_end) add_entry(hidden, out, h++);
    for (CsrMatrix* part : {&given, &hidden}) {
      part->row_offsets.push_back(static_cast<std::int64_t>(part->columns.size()));
    }
  }
  result.n_unknown = held_out.matrix.n_entries() - hidden.n_entries();
  result.n_removed = all.n_entries() - given.n_entries();
  return result;
}

}  // namespace hourglass
