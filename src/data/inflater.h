#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace hourglass {

/// Inflates a gzip member.
class Inflater {
 public:
  /// Bytes that are left to take, room that is left to fill.
  struct In {
    const unsigned char* next = nullptr;
    std::size_t size = 0;
  };
  struct Out {
    char* next;
    std::size_t size;
  };
  enum class State {
    kGoesOn,
    kStuck,      ///< no byte came or went: it needs input
    kEnded,      ///< the member, whose checksums are right; `in` goes on behind it
    kCorrupted,  ///< fault() says how
  };

  virtual ~Inflater() = default;
  /// What comes next is the first byte of another member.
  virtual void reset() = 0;
  virtual State inflate(In& in, Out& out) = 0;
  virtual std::string_view fault() const = 0;
};

std::unique_ptr<Inflater> zlib_inflater();
/// ISA-L's, several times as fast; null where the build is without it (HOURGLASS_ISAL). How much of
/// a damaged stream it hands out, and what, is up to its blocks: let zlib say what is wrong.
std::unique_ptr<Inflater> isal_inflater();

}  // namespace hourglass
