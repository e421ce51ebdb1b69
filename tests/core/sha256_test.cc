#include "hourglass/core/sha256.h"

#include <gtest/gtest.h>

#include <string>

namespace hourglass {
namespace {

std::string sha256_of(std::string_view text) {
  Sha256 sha256;
  sha256.update(text);
  return sha256.hex();
}

// The examples of FIPS 180-4 (csrc.nist.gov, "SHA256.pdf"), and the empty text.
TEST(Sha256, MatchesTheStandardsExamples) {
  EXPECT_EQ(sha256_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_of(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotDependOnThePieces) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>(i * 7);
  for (const std::size_t piece : {1, 3, 63, 64, 65, 299}) {
    Sha256 sha256;
    for (std::size_t i = 0; i < text.size(); i += piece) {
      sha256.update(std::string_view(text).substr(i, piece));
    }
    EXPECT_EQ(sha256.hex(), sha256_of(text)) << "pieces of " << piece;
  }
}

TEST(Sha256, GoesOnAfterHexAndAfterAMove) {
  Sha256 sha256;
  sha256.update("a");
  EXPECT_EQ(sha256.hex(), sha256_of("a"));
  EXPECT_EQ(sha256.hex(), sha256_of("a"));
  Sha256 moved = std::move(sha256);
  moved.update("bc");
  EXPECT_EQ(moved.hex(), sha256_of("abc"));
}

}  // namespace
}  // namespace hourglass
