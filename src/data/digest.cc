#include "hourglass/data/digest.h"

#include <bit>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "hourglass/core/sha256.h"

namespace hourglass {
namespace {

static_assert(std::endian::native == std::endian::little,
              "numbers are hashed as they lie in memory");

template <class T>
void update(Sha256& hash, const std::vector<T>& numbers) {
  hash.update(std::as_bytes(std::span(numbers)));
}

void update(Sha256& hash, std::int64_t number) {
  hash.update(std::as_bytes(std::span(&number, 1)));
}

// Each id behind its length, so that no two lists are the same bytes.
void update(Sha256& hash, const IdList& ids) {
  std::string bytes;
  for (std::int64_t i = 0; i < ids.size(); ++i) {
    const auto length = static_cast<std::uint64_t>(ids[i].size());
    bytes.append(reinterpret_cast<const char*>(&length), sizeof length).append(ids[i]);
  }
  hash.update(bytes);
}

}  // namespace

std::string digest(const Ratings& ratings) {
  const CsrMatrix& matrix = ratings.matrix;
  Sha256 hash;
  hash.update("hourglass ratings 1\n");
  update(hash, matrix.n_rows);
  update(hash, matrix.n_columns);
  update(hash, matrix.row_offsets);
  update(hash, matrix.columns);
  update(hash, matrix.values);
  update(hash, ratings.row_ids);
  update(hash, ratings.column_ids);
  return hash.hex();
}

}  // namespace hourglass
