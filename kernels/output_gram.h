#pragma once

#include <cuda_runtime_api.h>

#include "cuda/gemm.h"
#include "hourglass/ops/output.h"

// What OutputGram and OutputGramUpdate share beyond device code. The partials in `scratch` are
// those of FineGramSegments: [width x padded(width)] each, of which only the quads that have an
// element on or above the diagonal are written, and, where the last unit is a lone one
// (kernels/units.cuh), its row instead of its column.
namespace hourglass::cuda {

/// gram = the sum of the segments' partials. Output_gram.cu.
void launch_gram_sum(Matrix<float> gram, Ptr<const float> scratch, std::int64_t n_columns,
                     std::int64_t width, cudaStream_t stream);

// For widths above kMaxNarrowWidth: output_gram_wide.cu.

/// The segments' partials of Wa^T Wa.
void launch_wide_gram_partials(const OutputGram& op, cudaStream_t stream);
/// The gradient and Adam's step, in all of OutputGramUpdate's rows. Uses `scratch` for gradients.
void launch_wide_update(const OutputGramUpdate& op, Gemm& gemm, cudaStream_t stream);

}  // namespace hourglass::cuda
