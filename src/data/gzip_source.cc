#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>
#include <utility>
#include <vector>

#include "data/byte_source.h"

namespace hourglass {
namespace {

constexpr std::size_t kPackedBytes = std::size_t{1} << 16;
constexpr int kGzipWindow = 15 + 16;  // zlib's code for "gzip, largest window"

class GzipSource final : public ByteSource {
 public:
  explicit GzipSource(std::unique_ptr<ByteSource> packed)
      : packed_(std::move(packed)), input_(kPackedBytes) {
    if (inflateInit2(&stream_, kGzipWindow) != Z_OK) throw std::bad_alloc();
  }
  ~GzipSource() override { inflateEnd(&stream_); }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;

  std::size_t read(char* to, std::size_t size) override {
    if (!fault_.empty()) throw SourceError(fault_);
    std::size_t filled = 0;
    while (filled < size && fault_.empty() && !ended_)
      filled += inflate_some(to + filled, size - filled);
    if (filled == 0 && !fault_.empty()) throw SourceError(fault_);
    return filled;
  }

 private:
  std::size_t inflate_some(char* to, std::size_t size) {
    if (stream_.avail_in == 0) refill();
    if (between_members_) {
      if (!begin_member()) return 0;
    }
    const auto room =
        static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
    stream_.next_out = reinterpret_cast<Bytef*>(to);
    stream_.avail_out = room;
    const int state = ::inflate(&stream_, Z_NO_FLUSH);
    if (state == Z_STREAM_END) {
      between_members_ = true;
    } else if (state == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (state == Z_BUF_ERROR) {  // no input is left, and none will come
      fault_ = "the gzip stream ends early here: the file was cut off; fetch or write it again";
    } else if (state != Z_OK) {
      fault_ = std::string("the gzip stream is corrupted here (") +
               (stream_.msg ? stream_.msg : "no details") + "); fetch or write it again";
    }
    return room - stream_.avail_out;
  }

  // False at the end of the file, or where what follows is no gzip member (fault_ is set then).
  bool begin_member() {
    while (padded_ || stream_.avail_in > 0) {
      while (stream_.avail_in > 0 && *stream_.next_in == 0) {
        padded_ = true;
        ++stream_.next_in;
        --stream_.avail_in;
      }
      if (stream_.avail_in > 0 || packed_ended_) break;
      refill();
    }
    if (stream_.avail_in == 0) {
      ended_ = true;
      return false;
    }
    if (padded_ || *stream_.next_in != 0x1F) {
      fault_ = "the gzip stream is followed by other bytes; fetch or write the file again";
      return false;
    }
    inflateReset(&stream_);
    between_members_ = false;
    return true;
  }

  void refill() {
    if (packed_ended_) return;
    const std::size_t got = packed_->read(reinterpret_cast<char*>(input_.data()), input_.size());
    packed_ended_ = got == 0;
    stream_.next_in = input_.data();
    stream_.avail_in = static_cast<uInt>(got);
  }

  std::unique_ptr<ByteSource> packed_;
  std::vector<Bytef> input_;
  z_stream stream_ = {};
  std::string fault_;  // thrown once the bytes in front of it are handed out
  bool packed_ended_ = false;
  bool between_members_ = false;
  bool padded_ = false;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> inflate_gzip(std::unique_ptr<ByteSource> packed) {
  return std::make_unique<GzipSource>(std::move(packed));
}

}  // namespace hourglass
