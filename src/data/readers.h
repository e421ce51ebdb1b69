#pragma once

#include "data/csv_fields.h"
#include "data/file_form.h"
#include "hourglass/data/read_ratings.h"

namespace hourglass {

// The two readers. `fields` stands in front of the file's first line. They throw Error with the
// place.
Ratings read_wide(CsvFields& fields, const FileForm& form, const ReadOptions& options);
Ratings read_long(CsvFields& fields, const FileForm& form, const ReadOptions& options);

/// Throws at the place of the field just read where it cannot be an id: empty, or not even text.
void check_id(const CsvFields& fields, std::string_view id);

}  // namespace hourglass
