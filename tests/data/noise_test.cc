#include <random>

#include "data/reading.h"

namespace hourglass::test {
namespace {

class Noise : public Reading {
 protected:
  /// Reads `bytes` every way; an Error is as good as a matrix, anything else is not.
  void survive(const std::string& bytes, std::mt19937& random) {
    put_bytes(folder_ / "f", bytes);
    for (const RatingsFormat format :
         {RatingsFormat::kAuto, RatingsFormat::kWide, RatingsFormat::kLong}) {
      ReadOptions options = as(format);
      options.block_bytes = 1 + random() % 20;
      options.repeated = static_cast<RepeatedPairs>(random() % 3);
      options.keep_zeros = random() % 2 == 0;
      options.transpose = random() % 2 == 0;
      std::string first, again;
      const auto outcome = [&] {
        try {
          return drawn(read_ratings(folder_ / "f", options));
        } catch (const Error& error) {
          return std::string(error.what());
        }
      };
      first = outcome();
      options.block_bytes = std::size_t{1} << 18;
      ASSERT_EQ(outcome(), first);
    }
  }
};

TEST_F(Noise, Bytes) {
  for (unsigned seed = 0; seed < 50 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::string bytes(random() % 3000, '\0');
    const unsigned lowest = seed % 2;  // half of them without a zero byte, which would end it all
    for (char& c : bytes) c = static_cast<char>(lowest + random() % (256 - lowest));
    survive(bytes, random);
    survive("\x1F\x8B" + bytes, random);
    survive("\x1F\x8B\x08" + std::string(7, '\0') + bytes, random);
    survive(gzip(bytes), random);
  }
}

TEST_F(Noise, TheLettersOfTheGrammar) {
  constexpr std::string_view kLetters = "0123,,,,\n\n\n\r\"\"::;\tab.-e+";
  for (unsigned seed = 0; seed < 400 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::string bytes;
    for (auto n = random() % 60; n > 0; --n) bytes += kLetters[random() % kLetters.size()];
    survive(bytes, random);
  }
}

TEST_F(Noise, DamagedFiles) {
  const std::string sound = "id,a,\"b,c\",d\nx,1,,2\r\n\"y\n\",,3.5,\nz,0,,1e2\n";
  const std::string lines = "user,item,rating,t\n1,a,5,9\n1,\"b\",4,9\n2,a,0,9\n1,a,3,9\n";
  for (unsigned seed = 0; seed < 400 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::string bytes = seed % 2 == 0 ? sound : lines;
    const bool packed = random() % 4 == 0;
    if (packed) bytes = gzip(bytes);
    for (auto n = 1 + random() % 3; n > 0 && !bytes.empty(); --n) {
      const std::size_t at = random() % bytes.size();
      switch (random() % 4) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes.erase(at, 1 + random() % 4);
          break;
        case 2:
          bytes.insert(at, 1, static_cast<char>(random()));
          break;
        default:
          bytes.resize(at);
          break;
      }
    }
    survive(bytes, random);
  }
}

}  // namespace
}  // namespace hourglass::test
