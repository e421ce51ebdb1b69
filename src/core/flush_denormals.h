#pragma once

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace hourglass {

/// For its lifetime, denormal operands and results are zero on this thread. Adam's moments decay into
/// denormals and stick there, at a hundred times the cost of an operation (DESIGN 3.3).
class FlushDenormals {
 public:
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;
#if defined(__SSE2__)
  FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | 0x8040); }  // FTZ | DAZ
  ~FlushDenormals() { _mm_setcsr(saved_); }

 private:
  unsigned saved_;
#elif defined(__aarch64__)
  FlushDenormals() {
    asm volatile("mrs %0, fpcr" : "=r"(saved_));
    asm volatile("msr fpcr, %0" : : "r"(saved_ | (1UL << 24)));  // FZ: both directions
  }
  ~FlushDenormals() { asm volatile("msr fpcr, %0" : : "r"(saved_)); }

 private:
  unsigned long saved_;
#else
#error "say how this processor flushes denormals to zero"
#endif
};

}  // namespace hourglass
