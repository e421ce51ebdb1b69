#include "emulator/shared_memory.h"

#include <sys/mman.h>

#include <cstring>

#include "emulator/device.h"
#include "emulator/race_detector.h"
#include "emulator/report.h"
#include "emulator/sanitizers.h"

namespace emulator {
namespace {

constexpr std::size_t kAlignment = 16;
constexpr std::size_t kGap = 64;  // between arrays: an index that is one row too large falls there
constexpr std::size_t kMemory = std::size_t{1} << 20;
constexpr int kUnwritten = 0xFF;

}  // namespace

SharedMemory::SharedMemory()
    : memory_(static_cast<char*>(mmap(nullptr, kMemory, PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
  if (memory_ == MAP_FAILED) die("there is no memory for the shared memory of a block");
  forbid_access(memory_, kMemory);
  mark_uninitialised(memory_, kMemory);
  if (races::on) races::watch(memory_, kMemory);
}

void SharedMemory::begin_block(const void* kernel, std::size_t dynamic_bytes) {
  kernel_ = kernel;
  dynamic_bytes_ = dynamic_bytes;
  if (dynamic_bytes > 0) take(nullptr, dynamic_bytes);
}

void SharedMemory::end_block() {
  for (const Array& array : arrays_) forbid_access(array.begin, array.bytes);
  arrays_.clear();
  used_ = asked_ = 0;
}

void* SharedMemory::take(const void* key, std::size_t bytes) {
  void* const begin = memory_ + used_;
  used_ += (bytes + kAlignment - 1) / kAlignment * kAlignment + kGap;
  asked_ += bytes;
  allow_access(begin, bytes);
  std::memset(begin, kUnwritten, bytes);
  mark_uninitialised(begin, bytes);
  arrays_.push_back({key, begin, bytes});
  return begin;
}

void* SharedMemory::array(const void* key, std::size_t bytes) {
  for (const Array& array : arrays_) {
    if (array.key == key) return array.begin;
  }
  // What a card says at the launch, since it knows a kernel's arrays before they are used.
  const std::size_t arrays = asked_ - dynamic_bytes_ + bytes;
  const std::size_t opted_in = opted_in_shared_bytes(kernel_);
  if (arrays > kSharedBytes ||
      arrays + dynamic_bytes_ >
          (dynamic_bytes_ > opted_in ? kSharedBytes : card().shared_bytes_opt_in)) {
    die("a block of this kernel may not have so much shared memory: arrays of %zu bytes (it came "
        "so far) and %zu that the launch asks for, of which %zu are opted in",
        arrays, dynamic_bytes_, opted_in);
  }
  return take(key, bytes);
}

void* SharedMemory::dynamic() {
  if (dynamic_bytes_ == 0) die("the kernel reads dynamic shared memory and was launched with none");
  return arrays_.front().begin;
}

}  // namespace emulator
