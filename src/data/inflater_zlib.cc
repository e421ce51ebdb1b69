#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

#include "data/inflater.h"

namespace hourglass {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib's code for "gzip, largest window"

uInt at_most(std::size_t size) {
  return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
}

class ZlibInflater final : public Inflater {
 public:
  ZlibInflater() {
    if (inflateInit2(&stream_, kGzipWindow) != Z_OK) throw std::bad_alloc();
  }
  ~ZlibInflater() override { inflateEnd(&stream_); }
  ZlibInflater(const ZlibInflater&) = delete;
  ZlibInflater& operator=(const ZlibInflater&) = delete;

  void reset() override { inflateReset(&stream_); }

  State inflate(In& in, Out& out) override {
    const uInt given = at_most(in.size), room = at_most(out.size);
    stream_.next_in = const_cast<Bytef*>(in.next);  // it writes nothing there
    stream_.avail_in = given;
    stream_.next_out = reinterpret_cast<Bytef*>(out.next);
    stream_.avail_out = room;
    const int state = ::inflate(&stream_, Z_NO_FLUSH);
    const uInt taken = given - stream_.avail_in, filled = room - stream_.avail_out;
    in = {in.next + taken, in.size - taken};
    out = {out.next + filled, out.size - filled};
    if (state == Z_MEM_ERROR) throw std::bad_alloc();
    if (state == Z_STREAM_END) return State::kEnded;
    if (state == Z_BUF_ERROR) return State::kStuck;
    return state == Z_OK ? State::kGoesOn : State::kCorrupted;
  }

  std::string_view fault() const override {
    return stream_.msg != nullptr ? stream_.msg : "no details";
  }

 private:
  z_stream stream_ = {};
};

}  // namespace

std::unique_ptr<Inflater> zlib_inflater() { return std::make_unique<ZlibInflater>(); }

}  // namespace hourglass
