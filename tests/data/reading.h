#pragma once

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstddef>
#include <initializer_list>
#include <sstream>
#include <string>
#include <string_view>

#include "hourglass/data/read_ratings.h"
#include "support/error_text.h"
#include "support/temp_folder.h"

namespace hourglass::test {

/// Tiny blocks make every token of a small text straddle two of them.
inline constexpr std::size_t kBlockSizes[] = {1, 2, 3, 7, 64, std::size_t{1} << 18};

inline std::string gzip(std::string_view text, int level = Z_DEFAULT_COMPRESSION) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(packed.size() - stream.avail_out);
  deflateEnd(&stream);
  return packed;
}

/// Ratings as lines a person can compare: ids, then a row a line, '.' where there is no rating.
inline std::string drawn(const Ratings& ratings) {
  std::ostringstream out;
  out << ratings.row_name;
  for (std::int64_t c = 0; c < ratings.column_ids.size(); ++c) out << ' ' << ratings.column_ids[c];
  const CsrMatrix& m = ratings.matrix;
  std::size_t entry = 0;
  for (std::int64_t r = 0; r < m.n_rows; ++r) {
    out << " | " << ratings.row_ids[r];
    const auto end = static_cast<std::size_t>(m.row_offsets[static_cast<std::size_t>(r) + 1]);
    for (std::int64_t c = 0; c < m.n_columns; ++c) {
      if (entry < end && m.columns[entry] == c) {
        out << ' ' << m.values[entry++];
      } else {
        out << " .";
      }
    }
    EXPECT_EQ(entry, end) << "columns of row " << r << " do not ascend";
  }
  EXPECT_EQ(static_cast<std::int64_t>(m.row_offsets.size()), m.n_rows + 1);
  EXPECT_EQ(m.values.size(), m.columns.size());
  EXPECT_EQ(ratings.row_ids.size(), m.n_rows);
  EXPECT_EQ(ratings.column_ids.size(), m.n_columns);
  return out.str();
}

inline bool same_ratings(const Ratings& x, const Ratings& y) {
  return x.matrix == y.matrix && x.row_ids == y.row_ids && x.column_ids == y.column_ids;
}

class Reading : public ::testing::Test {
 protected:
  /// Reads `text` as a file, plain and gzip, in blocks of every size: always the same, which is
  /// returned drawn.
  std::string read(std::string_view text, ReadOptions options = {}) {
    std::string first;
    for (const bool packed : {false, true}) {
      put_bytes(folder_ / "f", packed ? gzip(text) : std::string(text));
      for (const std::size_t block : kBlockSizes) {
        options.block_bytes = block;
        last_ = read_ratings((folder_ / "f").string(), options);
        const std::string now = drawn(last_);
        if (first.empty()) first = now;
        EXPECT_EQ(now, first) << "in blocks of " << block << (packed ? ", gzip" : "");
      }
    }
    return first;
  }

  /// The message for `text`, the same for every block size, with the file's name as "f".
  std::string error(std::string_view text, ReadOptions options = {}, bool gzip_too = true) {
    std::string first;
    for (int packed = 0; packed <= (gzip_too ? 1 : 0); ++packed) {
      put_bytes(folder_ / "f", packed == 1 ? gzip(text) : std::string(text));
      for (const std::size_t block : kBlockSizes) {
        options.block_bytes = block;
        const std::string now = error_of((folder_ / "f").string(), options);
        if (first.empty()) first = now;
        EXPECT_EQ(now, first) << "in blocks of " << block << (packed == 1 ? ", gzip" : "");
      }
    }
    return first;
  }

  std::string error_of(const std::string& path, const ReadOptions& options = {}) {
    std::string text = error_text([&] { read_ratings(path, options); });
    const std::string prefix = folder_.path().string() + "/";
    if (text.starts_with(prefix)) text.erase(0, prefix.size());
    return text;
  }

  TempFolder folder_;
  Ratings last_;
};

inline ReadOptions as(RatingsFormat format) {
  ReadOptions options;
  options.format = format;
  return options;
}
inline const ReadOptions kAsWide = as(RatingsFormat::kWide);
inline const ReadOptions kAsLong = as(RatingsFormat::kLong);

}  // namespace hourglass::test
