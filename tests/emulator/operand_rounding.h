#pragma once

#include <bit>
#include <cstdint>

// What tensor cores make of float operands; products and sums are then float's.
namespace emulator {

/// To TF32's 10 bits of mantissa, ties away from zero (PTX: cvt.rna.tf32.f32).
inline float rounded_to_tf32(float x) {
  constexpr std::uint32_t kDropped = 0x1FFF;
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if ((bits & 0x7F800000) == 0x7F800000) return x;  // infinity, NaN
  return std::bit_cast<float>((bits + (kDropped + 1) / 2) & ~kDropped);
}

/// To bfloat16's 7 bits of mantissa, ties to even.
inline float rounded_to_bf16(float x) {
  constexpr std::uint32_t kDropped = 0xFFFF;
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if ((bits & 0x7F800000) == 0x7F800000) return x;
  const std::uint32_t odd = bits >> 16 & 1;
  return std::bit_cast<float>((bits + kDropped / 2 + odd) & ~kDropped);
}

}  // namespace emulator
