#include <fmt/format.h>

#include <utility>
#include <vector>

#include "data/byte_source.h"
#include "data/inflater.h"

namespace hourglass {
namespace {

constexpr std::size_t kPackedBytes = std::size_t{1} << 16;

class GzipSource final : public ByteSource {
 public:
  GzipSource(std::unique_ptr<ByteSource> packed, std::unique_ptr<Inflater> inflater)
      : packed_(std::move(packed)), input_(kPackedBytes), inflater_(std::move(inflater)) {}

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
    if (in_.size == 0) refill();
    if (between_members_) {
      if (!begin_member()) return 0;
    }
    Inflater::Out out{to, size};
    switch (inflater_->inflate(in_, out)) {
      case Inflater::State::kGoesOn:
        break;
      case Inflater::State::kEnded:
        between_members_ = true;
        break;
      case Inflater::State::kStuck:  // no input is left, and none will come
        fault_ = "the gzip stream ends early here: the file was cut off; fetch or write it again";
        break;
      case Inflater::State::kCorrupted:
        fault_ = fmt::format("the gzip stream is corrupted here ({}); fetch or write it again",
                             inflater_->fault());
        break;
    }
    return size - out.size;
  }

  // False at the end of the file, or where what follows is no gzip member (fault_ is set then).
  bool begin_member() {
    while (padded_ || in_.size > 0) {
      while (in_.size > 0 && *in_.next == 0) {
        padded_ = true;
        ++in_.next;
        --in_.size;
      }
      if (in_.size > 0 || packed_ended_) break;
      refill();
    }
    if (in_.size == 0) {
      ended_ = true;
      return false;
    }
    if (padded_ || *in_.next != 0x1F) {
      fault_ = "the gzip stream is followed by other bytes; fetch or write the file again";
      return false;
    }
    inflater_->reset();
    between_members_ = false;
    return true;
  }

  void refill() {
    if (packed_ended_) return;
    const std::size_t got = packed_->read(reinterpret_cast<char*>(input_.data()), input_.size());
    packed_ended_ = got == 0;
    in_ = {input_.data(), got};
  }

  std::unique_ptr<ByteSource> packed_;
  std::vector<unsigned char> input_;
  std::unique_ptr<Inflater> inflater_;
  Inflater::In in_;    // what is left of input_
  std::string fault_;  // thrown once the bytes in front of it are handed out
  bool packed_ended_ = false;
  bool between_members_ = false;
  bool padded_ = false;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> inflate_gzip(std::unique_ptr<ByteSource> packed,
                                         std::unique_ptr<Inflater> inflater) {
  return std::make_unique<GzipSource>(std::move(packed), std::move(inflater));
}

}  // namespace hourglass
