#pragma once

#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace emulator {

/// n elements of device memory, for the emulator's tests.
template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t n) : n_(n) { cudaMalloc(&memory_, n * sizeof(T)); }
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(values.size()) {
    cudaMemcpy(memory_, values.data(), n_ * sizeof(T), cudaMemcpyHostToDevice);
  }
  DeviceArray(std::size_t n, T value) : DeviceArray(std::vector<T>(n, value)) {}
  ~DeviceArray() { cudaFree(memory_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  T* get() const { return static_cast<T*>(memory_); }
  std::size_t size() const { return n_; }
  /// Waits for what the legacy default stream waits for.
  std::vector<T> values() const {
    std::vector<T> values(n_);
    cudaMemcpy(values.data(), memory_, n_ * sizeof(T), cudaMemcpyDeviceToHost);
    return values;
  }

 private:
  void* memory_ = nullptr;
  std::size_t n_;
};

}  // namespace emulator
