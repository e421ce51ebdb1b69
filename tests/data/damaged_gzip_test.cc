#include <zlib.h>

#include "data/reading.h"

// Every byte of a gzip file, changed to every other value: an error, or the same ratings.
namespace hourglass::test {
namespace {

/// A gzip file with every field that its header may have, and where its deflate stream lies.
struct Packed {
  std::string bytes;
  std::size_t stream_begin = 0, stream_end = 0;
};

Packed pack(std::string text) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  gz_header header = {};
  Bytef extra[] = {'h', 'g', 1, 0, 'x'};  // RFC 1952: an id, a length, that many bytes
  Bytef name[] = "r.csv", comment[] = "c";
  header.time = 1234567890;
  header.os = 3;
  header.extra = extra;
  header.extra_len = sizeof extra;
  header.name = name;
  header.comment = comment;
  header.hcrc = 1;
  EXPECT_EQ(deflateSetHeader(&stream, &header), Z_OK);
  Packed packed;
  packed.bytes.resize(200 + deflateBound(&stream, text.size()));
  stream.next_in = reinterpret_cast<Bytef*>(text.data());
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.bytes.data());
  stream.avail_out = static_cast<uInt>(packed.bytes.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.bytes.resize(packed.bytes.size() - stream.avail_out);
  deflateEnd(&stream);
  packed.stream_begin = 10 + 2 + sizeof extra + sizeof name + sizeof comment + 2;
  packed.stream_end = packed.bytes.size() - 8;
  return packed;
}

// A sanitizer makes each try several times as long; the bytes are the same.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kStep = 17;  // of the 255 changes: 15
#else
constexpr int kStep = 1;
#endif

class DamagedGzip : public Reading {
 protected:
  void every_changed_byte(const std::string& text) {
    const Packed packed = pack(text);
    const std::string path = (folder_ / "f").string();
    put_bytes(path, packed.bytes);
    const Ratings whole = read_ratings(path);
    std::int64_t n_refused = 0, n_same = 0;
    for (std::size_t i = 0; i < packed.bytes.size(); ++i) {
      std::string damaged = packed.bytes;
      for (int change = 1; change < 256; change += kStep) {
        damaged[i] = static_cast<char>(packed.bytes[i] ^ change);
        put_bytes(path, damaged);
        Ratings ratings;
        try {
          ratings = read_ratings(path);
        } catch (const Error& error) {
          ++n_refused;
          ASSERT_TRUE(std::string(error.what()).starts_with(path)) << error.what();
          continue;
        }
        ++n_same;
        ASSERT_TRUE(same_ratings(ratings, whole)) << "byte " << i << " ^ " << change;
        // Nothing is lost where it is a field that says nothing of the text, or the bits that fill
        // the stream's last byte.
        ASSERT_TRUE(i < packed.stream_begin || i + 1 == packed.stream_end)
            << "byte " << i << " ^ " << change << " went unseen";
      }
    }
    EXPECT_EQ(n_refused + n_same, 255 / kStep * static_cast<std::int64_t>(packed.bytes.size()));
    RecordProperty("refused", std::to_string(n_refused));
    RecordProperty("same", std::to_string(n_same));
    std::printf("%lld changes: %lld refused, %lld with the same ratings\n",
                static_cast<long long>(n_refused + n_same), static_cast<long long>(n_refused),
                static_cast<long long>(n_same));
  }
};

TEST_F(DamagedGzip, EveryChangedByteOfAWideFile) {
  every_changed_byte("id,a,b,c\nx,1,,2\ny,,3,4.5\n\"z,\",3,,5\n");
}

TEST_F(DamagedGzip, EveryChangedByteOfALongFile) {
  every_changed_byte("user,item,rating\n1,31,2.5\n1,1029,3\n2,31,4\n07,\"a,b\",1\n");
}

}  // namespace
}  // namespace hourglass::test
