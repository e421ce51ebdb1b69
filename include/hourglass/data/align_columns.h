#pragma once

#include <cstdint>

#include "hourglass/data/ratings.h"

namespace hourglass {

/// Ratings in the columns of a model.
struct AlignedRatings {
  CsrMatrix matrix;            ///< [rows x wanted.size()]
  IdList unknown_ids;          ///< of the columns that the model does not have
  std::int64_t n_unknown = 0;  ///< ratings that were in them, and are left out
};

/// `matrix`, whose columns are `ids`, in the columns that `wanted` names, in that order: columns
/// meet by id, not by position. Columns that are not wanted are left out and told of. Throws Error
/// where the two have no id in common.
AlignedRatings align_columns(const CsrMatrix& matrix, const IdList& ids, const IdList& wanted);

}  // namespace hourglass
