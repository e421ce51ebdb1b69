#pragma once

#include <array>
#include <cstdint>

namespace hourglass {

/// What a random number is for: the first word of the counter, so that no two uses share a stream.
/// The numbers are part of the file format (a resumed run draws the same ones): never renumber.
enum class RandomPurpose : std::uint32_t {
  kInitialWeights = 1,     ///< step = tensor, row = output unit, column = input unit
  kShuffle = 2,            ///< step = epoch, row = matrix row
  kSyntheticValue = 3,     ///< row, column of the matrix
  kSyntheticZero = 4,      ///< row, column of the matrix
  kSyntheticNoise = 5,     ///< row, column of the matrix
  kHoldout = 6,            ///< row, column of the matrix: ratings kept from training
  kMask = 7,               ///< row, column of the matrix: ratings hidden in an evaluation
  kDropout = 8,            ///< step = Adam's step, row, column of the matrix
  kSample = 9,             ///< row of the matrix: the rows of an evaluation
  kRangeFinder = 10,       ///< row, column of PCA's random start
  kKmeans = 11,            ///< step = start, row = centre, column = draw
  kSilhouetteSample = 12,  ///< row of the matrix
};

/// Philox4x32-10 (Salmon et al., SC11; Random123's, which is cuRAND's): four words that depend on
/// the seed (the key) and the counter (purpose, step, row, column) alone: the same on every
/// backend, at any thread count, and after a resume.
std::array<std::uint32_t, 4> philox(std::uint64_t seed, RandomPurpose purpose, std::uint32_t step,
                                    std::uint32_t row, std::uint32_t column);

inline constexpr std::uint32_t kPhiloxBlock = 64;
using PhiloxBlock = std::array<std::array<std::uint32_t, kPhiloxBlock>, 4>;

/// philox() of columns first_column .. first_column + kPhiloxBlock - 1, word by word, in a third of
/// the time or less.
void philox_block(std::uint64_t seed, RandomPurpose purpose, std::uint32_t step, std::uint32_t row,
                  std::uint32_t first_column, PhiloxBlock& out);

/// [0, 1) with 24 bits: exact in float.
constexpr float uniform(std::uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }

}  // namespace hourglass
