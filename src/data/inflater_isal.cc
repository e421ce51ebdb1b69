#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "data/inflater.h"

namespace hourglass {
namespace {

std::uint32_t at_most(std::size_t size) {
  return static_cast<std::uint32_t>(
      std::min<std::size_t>(size, std::numeric_limits<std::uint32_t>::max()));
}

class IsalInflater final : public Inflater {
 public:
  IsalInflater() {
    isal_inflate_init(&stream_);
    stream_.crc_flag = ISAL_GZIP;
  }

  void reset() override { isal_inflate_reset(&stream_); }

  State inflate(In& in, Out& out) override {
    const std::uint32_t given = at_most(in.size), room = at_most(out.size);
    stream_.next_in = const_cast<std::uint8_t*>(in.next);  // it writes nothing there
    stream_.avail_in = given;
    stream_.next_out = reinterpret_cast<std::uint8_t*>(out.next);
    stream_.avail_out = room;
    const int state = isal_inflate(&stream_);
    const std::uint32_t taken = given - stream_.avail_in, filled = room - stream_.avail_out;
    in = {in.next + taken, in.size - taken};
    out = {out.next + filled, out.size - filled};
    if (state < 0) return State::kCorrupted;
    if (stream_.block_state == ISAL_BLOCK_FINISH) return State::kEnded;
    return taken == 0 && filled == 0 ? State::kStuck : State::kGoesOn;
  }

  std::string_view fault() const override { return "no details"; }

 private:
  inflate_state stream_;
};

}  // namespace

std::unique_ptr<Inflater> isal_inflater() { return std::make_unique<IsalInflater>(); }

}  // namespace hourglass
