#include "emulator/race_detector.h"

#include <sys/mman.h>

#include <string>

#include "emulator/arena.h"
#include "emulator/block.h"
#include "emulator/device_atomics.h"
#include "emulator/happens_before.h"
#include "emulator/report.h"

namespace emulator::races {

bool on = false;

namespace {

constexpr std::size_t kWord = 4;
constexpr std::size_t kPage = 4096;

/// The last accesses to a word.
struct Word {
  Moment write, atomic, reads[2];
};
static_assert(sizeof(Word) == 64);

/// Watched memory, and a Word for each of its words: of memory that is taken when it is touched.
struct Region {
  const char* begin = nullptr;
  std::size_t bytes = 0;
  Word* words = nullptr;

  bool has(const void* address) const {
    return static_cast<std::size_t>(static_cast<const char*>(address) - begin) < bytes;
  }
  Word* word_of(const void* address) const {
    return words + static_cast<std::size_t>(static_cast<const char*>(address) - begin) / kWord;
  }
};

constexpr int kRegions = 2;
Region regions[kRegions];
int n_regions = 0;

Order order;
std::uint32_t first_block = 1, next_launch = 1;  ///< of this launch, and of the next

const Region* region_of(const void* address) {
  for (const Region& region : regions) {
    if (region.has(address)) return &region;
  }
  return nullptr;
}

const char* code_of(const Moment& moment) {
  return reinterpret_cast<const char*>(&region_of) + moment.code;
}

std::string where(const void* address) {
  if (device_arena().owns(address)) return device_arena().describe(address);
  return "byte " + std::to_string(static_cast<const char*>(address) - region_of(address)->begin) +
         " of the block's shared memory";
}

[[noreturn]] void report(const char* what, const void* address, const char* earlier_what,
                         const Moment& now, const Moment& earlier) {
  die("race: %s\n  %s by %s\n  and, with nothing to order them,\n  %s by block %u, thread %u "
      "(numbered through grid and block) in %s",
      where(address).c_str(), what, describe_code(code_of(now) - 1).c_str(), earlier_what,
      earlier.block - first_block, earlier.thread, describe_code(code_of(earlier) - 1).c_str());
}

/// One word's part of an access.
class WordAccess {
 public:
  WordAccess(const void* address, Word& word, const Moment& now, unsigned thread, bool shared)
      : address_(address), word_(word), now_(now), thread_(thread), shared_(shared) {}

  void read() {
    require_past(word_.write, "it is read", "it was written");
    require_past(word_.atomic, "it is read", "it was changed atomically");
    Moment &first = word_.reads[0], &second = word_.reads[1];
    if (replaceable(first)) {
      first = now_;
    } else if (replaceable(second) || tells_more(first, second)) {
      second = now_;
    }
  }
  void write() {
    require_past(word_.write, "it is written", "it was written");
    require_past(word_.atomic, "it is written", "it was changed atomically");
    require_reads_past("it is written");
    word_.write = now_;
  }
  void change_atomically() {
    require_past(word_.write, "it is changed atomically", "it was written");
    require_reads_past("it is changed atomically");
    word_.atomic = now_;
  }

 private:
  /// Of an earlier launch or, in shared memory, of another block that had the same place.
  bool stale(const Moment& moment) const {
    return moment.block < (shared_ ? now_.block : first_block) ||
           (shared_ && moment.block != now_.block);
  }
  bool past(const Moment& moment) const { return stale(moment) || order.is_past(moment, thread_); }
  bool replaceable(const Moment& read) const {
    return past(read) && (stale(read) || (read.bytes & ~now_.bytes) == 0);
  }
  /// Whether this read beside `first` finds more than `second` does.
  bool tells_more(const Moment& first, const Moment& second) const {
    if (second.block != first.block) return false;
    return now_.block != first.block || (second.thread / kLanes == first.thread / kLanes &&
                                         now_.thread / kLanes != first.thread / kLanes);
  }
  void require_past(const Moment& moment, const char* what, const char* earlier_what) const {
    if ((moment.bytes & now_.bytes) != 0 && !past(moment)) {
      report(what, address_, earlier_what, now_, moment);
    }
  }
  void require_reads_past(const char* what) const {
    for (const Moment& read : word_.reads) require_past(read, what, "it was read");
  }

  const void* address_;
  Word& word_;
  const Moment& now_;
  const unsigned thread_;
  const bool shared_;
};

}  // namespace

void watch(const void* begin, std::size_t bytes) {
  if (n_regions == kRegions) die("the race detector watches %d regions at most", kRegions);
  void* const words = mmap(nullptr, bytes / kWord * sizeof(Word), PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (words == MAP_FAILED) die("there are no addresses for what the race detector keeps");
  regions[n_regions++] = {static_cast<const char*>(begin), bytes, static_cast<Word*>(words)};
}

void forget(const void* begin, std::size_t bytes) {
  const Region* const region = region_of(begin);
  if (region == nullptr) return;
  static_assert(kPage % sizeof(Word) == 0);  // whole pages of words, since `bytes` are whole pages
  madvise(region->word_of(begin), bytes / kWord * sizeof(Word), MADV_DONTNEED);
}

void begin_launch(std::uint64_t n_blocks) {
  first_block = next_launch;
  if (n_blocks > 0xFFFFFFFF - first_block) die("the race detector counts no further blocks");
  next_launch += static_cast<std::uint32_t>(n_blocks);
  order.begin_launch();
}

void begin_block(std::uint64_t number, unsigned n_threads) {
  order.begin_block(first_block + static_cast<std::uint32_t>(number), n_threads);
}

void block_synchronised() { order.block_synchronised(); }
void warp_synchronised(unsigned warp, unsigned mask) { order.warp_synchronised(warp, mask); }

void fence() { order.fence(Block::current("__threadfence").thread().linear); }

void access(Access kind, const void* address, std::size_t bytes, const void* code) {
  if (!Block::running() || bytes == 0) return;
  const Region* const region = region_of(address);
  if (region == nullptr) return;
  const unsigned thread = Block::current("an access").thread().linear;
  const auto* const begin = static_cast<const char*>(address);
  Moment now = order.now(thread);
  now.code = static_cast<std::int32_t>(static_cast<const char*>(code) -
                                       reinterpret_cast<const char*>(&region_of));
  const bool shared = !device_arena().owns(address);
  if (kind == Access::kAtomic && !shared) order.atomic(thread, address);
  const auto offset = static_cast<std::size_t>(begin - region->begin);
  for (std::size_t at = offset / kWord * kWord; at < offset + bytes; at += kWord) {
    now.bytes = 0;
    for (unsigned i = 0; i < kWord; ++i) {
      if (at + i >= offset && at + i < offset + bytes) now.bytes |= 1U << i;
    }
    WordAccess word(begin, region->words[at / kWord], now, thread, shared);
    if (kind == Access::kRead) word.read();
    if (kind == Access::kWrite) word.write();
    if (kind == Access::kAtomic) word.change_atomically();
  }
}

}  // namespace emulator::races

namespace emulator {

void note_atomic(const void* address, std::size_t bytes) {
  if (races::on) {
    races::access(races::Access::kAtomic, address, bytes, __builtin_return_address(0));
  }
}

void note_fence() {
  if (races::on) races::fence();
}

}  // namespace emulator
