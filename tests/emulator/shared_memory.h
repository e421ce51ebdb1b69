#pragma once

#include <cstddef>
#include <vector>

namespace emulator {

/// A block's shared memory: new at its beginning, every byte unwritten (0xFF, a NaN as a float).
class SharedMemory {
 public:
  SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  void begin_block(const void* kernel, std::size_t dynamic_bytes);
  void end_block();

  /// The array that the block knows by `key`, made where it is not there yet. Ends the program
  /// where the kernel's arrays do not fit into what it may have.
  void* array(const void* key, std::size_t bytes);
  /// What the launch asked for; ends the program where that was nothing.
  void* dynamic();

 private:
  struct Array {
    const void* key;
    void* begin;
    std::size_t bytes;
  };

  void* take(const void* key, std::size_t bytes);

  char* memory_;
  std::size_t used_ = 0;   ///< of memory_, gaps included
  std::size_t asked_ = 0;  ///< by arrays and launch
  const void* kernel_ = nullptr;
  std::size_t dynamic_bytes_ = 0;
  std::vector<Array> arrays_;
};

}  // namespace emulator
