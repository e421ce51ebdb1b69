#include "data/block_stream.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "hourglass/core/start_thread.h"

namespace hourglass {

BlockStream::BlockStream(std::unique_ptr<ByteSource> source, std::size_t block_bytes)
    : source_(std::move(source)), block_bytes_(std::max<std::size_t>(block_bytes, 1)) {
  for (Block& block : ring_) {
    block.bytes = std::make_unique_for_overwrite<char[]>(kHeadroom + block_bytes_);
  }
  producer_ = start_thread([this] { return std::thread(&BlockStream::produce, this); });
}

BlockStream::~BlockStream() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  producer_.join();
}

void BlockStream::produce() {
  try {
    for (;;) {
      Block* block = nullptr;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return stopped_ || n_filled_ - n_returned_ < kBlocks; });
        if (stopped_) return;
        block = &ring_[n_filled_ % kBlocks];
      }
      block->size = source_->read(block->bytes.get() + kHeadroom, block_bytes_);
      {
        const std::lock_guard lock(mutex_);
        if (block->size == 0) {
          ended_ = true;
        } else {
          ++n_filled_;
        }
      }
      changed_.notify_all();
      if (block->size == 0) return;
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    fault_ = std::current_exception();
    changed_.notify_all();
  }
}

void BlockStream::give_back(Block* block) {
  if (block == nullptr) return;
  {
    const std::lock_guard lock(mutex_);
    ++n_returned_;
  }
  changed_.notify_all();
}

std::string_view BlockStream::next(std::string_view unread) {
  Block* block = nullptr;
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return n_taken_ < n_filled_ || ended_ || fault_; });
    if (n_taken_ < n_filled_) {
      block = &ring_[n_taken_++ % kBlocks];
    } else if (fault_) {
      std::rethrow_exception(fault_);
    } else {
      return unread;
    }
  }
  char* const begin = block->bytes.get() + kHeadroom;
  if (unread.size() <= kHeadroom) {
    if (!unread.empty()) std::memcpy(begin - unread.size(), unread.data(), unread.size());
    give_back(std::exchange(current_, block));
    return {begin - unread.size(), unread.size() + block->size};
  }
  std::string joined;
  joined.reserve(unread.size() + block->size);
  joined.append(unread).append(begin, block->size);
  spill_ = std::move(joined);
  give_back(std::exchange(current_, nullptr));
  give_back(block);
  return spill_;
}

}  // namespace hourglass
