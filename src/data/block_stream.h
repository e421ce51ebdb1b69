#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "data/byte_source.h"

namespace hourglass {

/// Reads a source ahead on a thread of its own, so that inflating and parsing overlap. A ring of a
/// few blocks bounds what it holds.
class BlockStream {
 public:
  BlockStream(std::unique_ptr<ByteSource> source, std::size_t block_bytes);
  ~BlockStream();
  BlockStream(const BlockStream&) = delete;
  BlockStream& operator=(const BlockStream&) = delete;

  /// The bytes `unread` (the rest of the last window, or nothing) and the block after them, as one
  /// window; the last window is void. At the end: `unread` itself, which stays valid. Throws
  /// SourceError.
  std::string_view next(std::string_view unread);

 private:
  static constexpr std::size_t kBlocks = 6;
  // A field that straddles two blocks is moved in front of the second one, so that a parser sees
  // every field whole. A longer one goes to spill_.
  static constexpr std::size_t kHeadroom = 4096;

  struct Block {
    std::unique_ptr<char[]> bytes;  // [kHeadroom + block_bytes_]
    std::size_t size = 0;           // filled, behind the headroom
  };

  void produce();
  void give_back(Block* block);

  std::unique_ptr<ByteSource> source_;
  std::size_t block_bytes_;
  std::array<Block, kBlocks> ring_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t n_filled_ = 0;    // blocks handed over by the producer, ever
  std::size_t n_taken_ = 0;     // of these, taken by the consumer
  std::size_t n_returned_ = 0;  // of these, free again
  bool ended_ = false;
  bool stopped_ = false;
  std::exception_ptr fault_;

  Block* current_ = nullptr;  // the block the last window is in; null: in spill_
  std::string spill_;
  std::thread producer_;
};

}  // namespace hourglass
