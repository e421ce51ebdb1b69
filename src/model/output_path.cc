#include "hourglass/model/output_path.h"

namespace hourglass {

// What a step of either path does, counted in multiply-adds for each of the n_columns x width
// weights (width = hidden + 1); what both do, Adam's pass above all, is left out.
//   gram:    W G: width; the new S, half of a symmetric product: width / 2; P and X^T Ha: density
//            batch each, and G and Ha S: batch width / n_columns each
//   direct:  Y, E W and E^T Ha: batch each; and it passes twice more over the weights, 8 bytes, and
//            five times over the cells, 20 batch / width bytes
// A multiply-add of a sparse product counts for kSparse: it loads what a dense one has in
// registers. A byte counts for kByte. Measured on the CPU engine with AVX2 over 90 sizes of
// synthetic matrices (n_columns 500 and 2,000, batch and hidden 32 to 512, density 0.02 to 0.83)
// and on 500 rows of goodbooks: with 4 and 2 the path taken is the slower one in 8 of 104 cases, by
// 25 % in one of them and by 2 to 12 % in the others. On a GPU both count for more.
OutputPath cheaper_output_path(double density, std::int64_t n_columns, std::int64_t batch,
                               std::int64_t hidden) {
  constexpr double kSparse = 4, kByte = 2;
  const double rows = static_cast<double>(batch), width = static_cast<double>(hidden + 1);
  const double gram = 1.5 * width + 2 * kSparse * density * rows +
                      2 * rows * width / static_cast<double>(n_columns);
  const double direct = 3 * rows + kByte * (8 + 20 * rows / width);
  return direct < gram ? OutputPath::kDirect : OutputPath::kGram;
}

}  // namespace hourglass
