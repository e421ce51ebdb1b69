#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>

#include "data/byte_source.h"
#include "data/csv_fields.h"
#include "data/file_form.h"
#include "data/readers.h"
#include "fuzz/files.h"
#include "fuzz/harness.h"
#include "hourglass/data/read_ratings.h"

namespace hourglass::fuzz {

/// Two bytes choose how a file is read.
inline ReadOptions read_options(Input& input, RatingsFormat format) {
  constexpr std::size_t kBlocks[] = {1, 2, 3, 7, 16, 64, 300, 4096};  // large ones cost time
  constexpr const char* kSeparators[] = {"", ",", "\t", ";", "::", "", "", ""};
  constexpr RepeatedPairs kRepeated[] = {RepeatedPairs::kMean, RepeatedPairs::kLast,
                                         RepeatedPairs::kError, RepeatedPairs::kMean};
  ReadOptions options;
  options.format = format;
  const unsigned first = input.byte(), second = input.byte();
  options.block_bytes = kBlocks[7 - first % 8];
  options.separator = kSeparators[first / 8 % 8];
  options.keep_zeros = (second & 1) != 0;
  options.transpose = (second & 2) != 0;
  options.repeated = kRepeated[second / 4 % 4];
  return options;
}

/// What everybody who is given ratings relies on.
inline void check_ratings(const Ratings& ratings, const ReadOptions& options) {
  const CsrMatrix& m = ratings.matrix;
  expect(m.n_rows == ratings.row_ids.size() && m.n_columns == ratings.column_ids.size(),
         "there is an id for each row and column");
  expect(m.row_offsets.size() == static_cast<std::size_t>(m.n_rows) + 1 &&
             m.row_offsets.front() == 0 &&
             m.row_offsets.back() == static_cast<std::int64_t>(m.columns.size()) &&
             m.columns.size() == m.values.size(),
         "the matrix is whole");
  for (std::size_t r = 0; r + 1 < m.row_offsets.size(); ++r) {
    for (std::int64_t e = m.row_offsets[r]; e < m.row_offsets[r + 1]; ++e) {
      const auto i = static_cast<std::size_t>(e);
      expect(m.columns[i] >= 0 && m.columns[i] < m.n_columns, "columns are in range");
      expect(e == m.row_offsets[r] || m.columns[i - 1] < m.columns[i], "columns ascend");
      expect(std::isfinite(m.values[i]) && (options.keep_zeros || m.values[i] != 0),
             "ratings are finite, and not 0");
    }
  }
  for (std::int64_t r = 0; r < m.n_rows; ++r) expect(!ratings.row_ids[r].empty(), "row ids");
  for (std::int64_t c = 0; c < m.n_columns; ++c) {
    expect(!ratings.column_ids[c].empty(), "column ids");
  }
}

/// What read_ratings does with a text that is in memory whole: no thread that reads ahead, which
/// takes ten times as long as the parsing of a small text.
inline Ratings read_in_memory(const std::string& path, std::string_view text,
                              const ReadOptions& options) {
  const bool whole = text.size() < kFormBytes;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const FileForm form = recognize_form(text.substr(0, kFormBytes), whole, options);
  CsvFields fields(path, nullptr, text, form.separator);
  return form.format == RatingsFormat::kLong ? read_long(fields, form, options)
                                             : read_wide(fields, form, options);
}

/// The text of a gzip file. Throws Error where it is damaged.
inline std::string text_of(const std::string& path, std::size_t block_bytes) {
  const Text text = open_text(path, Inflating::kFast);
  std::string whole, block(block_bytes, '\0');
  try {
    while (const std::size_t n = text.source->read(block.data(), block.size())) {
      whole.append(block, 0, n);
    }
  } catch (const SourceError& fault) {
    throw Error(path + ": " + fault.what());
  }
  return whole;
}

/// Reads the file `bytes`, of which `text_bytes` count as read: its text at once, or, one time in
/// eight, as the program does, in blocks that a thread reads ahead. Where both are done, the
/// ratings must be the same.
inline void read_and_check(std::string_view bytes, std::size_t text_bytes, ReadOptions options,
                           unsigned choice) {
  static MemoryFile file;
  const bool in_blocks = choice / 16 % 8 == 5, both = in_blocks && (choice & 128) != 0;
  const bool packed = bytes.starts_with("\x1F\x8B");
  if (in_blocks || packed) file.put(bytes);
  // A bomb's megabytes in blocks of a few bytes take seconds: not a hang of the program's.
  const std::size_t packed_bytes = std::max<std::size_t>(options.block_bytes, 64);
  if (packed) options.block_bytes = 4096;
  Ratings ratings, in_memory;
  std::string why, why_in_memory;
  if (in_blocks) {
    why = refusal(text_bytes, [&] { ratings = read_ratings(file.path(), options); });
    if (why.empty()) check_ratings(ratings, options);
  }
  if (in_blocks && !both) return;
  why_in_memory = refusal(text_bytes, [&] {
    std::string text;
    if (packed) text = text_of(file.path(), packed_bytes);
    in_memory = read_in_memory(file.path(), packed ? text : bytes, options);
  });
  if (why_in_memory.empty()) check_ratings(in_memory, options);
  if (!both) return;
  // What is no text is told before, and a damaged stream at its place, by who reads in blocks.
  expect(!why.empty() ||
             (why_in_memory.empty() && ratings.matrix == in_memory.matrix &&
              ratings.row_ids == in_memory.row_ids && ratings.column_ids == in_memory.column_ids),
         "blocks and threads do not show in the ratings");
}

}  // namespace hourglass::fuzz
