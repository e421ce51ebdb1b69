// The narrow middle (hourglass/ops/middle.h): forward and backward through all layers in one kernel
// each where no layer is wider than kFusedWidth, else layer by layer through cuBLAS.
#include <algorithm>

#include "kernels/float4.cuh"
#include "kernels/kernels.h"
#include "kernels/launch.cuh"

namespace hourglass::cuda {
namespace {

// The fused kernels. A block takes kRows rows of the batch through all layers; what passes from
// layer to layer stays in shared memory. For a layer a thread takes tiles of 4 x 4 weights, which
// it reads by four 16-byte loads and uses for all kRows rows: so each weight is read once a block,
// straight from the L2 cache, and no thread waits for a slice of weights to arrive in shared
// memory. Results are divided among threads by fours, the terms of their sums among groups of
// threads; each leaves its shares in shared memory, where they are added in the groups' order.
// Forward the tile's rows are the terms, backward its columns are: the weights lie as they are for
// both. A group's shares begin a vector further on in the banks than the last group's: backward,
// neighbouring threads are of neighbouring groups. 128-64-64-64-128 has 100 KB of weights: a
// microsecond at the 64 bytes a cycle that a multiprocessor has from L2, of which four rows'
// arithmetic takes half and eight rows' all. Error: rounding of a chain of terms / groups fused
// products, and of the groups' sum and the bias. Bytes: 4 (blocks x weights + rows x units x
// (forward: 1, backward: 3)). Shared memory: at most 44 KB. A row's bits depend on its layers'
// widths alone.
constexpr std::int64_t kFusedWidth = 256;
constexpr unsigned kFusedThreads = 256;

/// How a block's threads share a product of its rows with a layer's weights.
struct Sharing {
  unsigned terms, results;  ///< of a row, in vectors of four
  unsigned groups;

  /// Vectors from one group's shares to the next one's.
  __device__ unsigned stride(unsigned rows) const { return rows * results + 1; }

  __device__ Sharing(std::int64_t n_terms, std::int64_t n_results)
      : terms(static_cast<unsigned>(n_terms + 3) / 4),
        results(static_cast<unsigned>(n_results + 3) / 4),
        groups(std::min(blockDim.x / results, terms)) {}
};

/// units [kRows x n_terms] times the weights, [in x out], or their transpose. `units` has zeros
/// where the last vector of a row goes beyond n_terms. shares: [groups][kRows x results].
template <unsigned kRows, bool kTransposed>
__device__ void multiply(const float* units, unsigned stride, Matrix<const float> weight,
                         std::int64_t in, const Sharing& sharing, float4* shares) {
  // Neighbouring threads read neighbouring vectors of a row of weights.
  const unsigned n = kTransposed ? sharing.groups : sharing.results;
  const unsigned group = kTransposed ? threadIdx.x % n : threadIdx.x / n;
  const unsigned result = kTransposed ? threadIdx.x / n : threadIdx.x % n;
  if (group >= sharing.groups || result >= sharing.results) return;
  float4 sums[kRows] = {};
#pragma unroll(kRows == 4 ? 2 : 1)
  for (unsigned term = group; term < sharing.terms; term += sharing.groups) {
    const unsigned i = 4 * (kTransposed ? result : term), o = 4 * (kTransposed ? term : result);
    float4 w[4];
#pragma unroll
    for (unsigned k = 0; k < 4; ++k) w[k] = i + k < in ? load4(weight.row(i + k) + o) : float4{};
#pragma unroll
    for (unsigned r = 0; r < kRows; ++r) {
      const float4 x = load4(units + r * stride + 4 * term);
      if constexpr (kTransposed) {
        sums[r].x = add_dot(x, w[0], sums[r].x);
        sums[r].y = add_dot(x, w[1], sums[r].y);
        sums[r].z = add_dot(x, w[2], sums[r].z);
        sums[r].w = add_dot(x, w[3], sums[r].w);
      } else {
        add_product(x.x, w[0], sums[r]);
        add_product(x.y, w[1], sums[r]);
        add_product(x.z, w[2], sums[r]);
        add_product(x.w, w[3], sums[r]);
      }
    }
  }
#pragma unroll
  for (unsigned r = 0; r < kRows; ++r) {
    shares[group * sharing.stride(kRows) + r * sharing.results + result] = sums[r];
  }
}

/// A thread's results of a product, number j < kRows of them: row `row` of the block's, unit
/// `unit`.
template <unsigned kRows>
struct Result {
  unsigned at, row, unit;
  bool exists;

  __device__ Result(const Sharing& sharing, unsigned j) : at(threadIdx.x + j * blockDim.x) {
    const unsigned width = 4 * sharing.results;
    row = at / width;
    unit = at % width;
    exists = row < kRows;
  }
  __device__ float sum(const Sharing& sharing, const float4* shares) const {
    const float* share = reinterpret_cast<const float*>(shares) + at;
    float sum = 0;
    for (unsigned group = 0; group < sharing.groups; ++group) {
      sum += *share;
      share += 4 * sharing.stride(kRows);
    }
    return sum;
  }
};

template <unsigned kRows>
__global__ void __launch_bounds__(kFusedThreads, 1)
    middle_forward(const __grid_constant__ MiddleForward op, unsigned stride) {
  DYN_SHARED(float, units);  // [kRows x stride]: what the layer reads
  float4* shares = reinterpret_cast<float4*>(units + kRows * stride);
  const MiddleLayers& m = op.layers;
  const std::int64_t first_row = static_cast<std::int64_t>(blockIdx.x) * kRows;
  for (unsigned at = threadIdx.x; at < kRows * stride; at += blockDim.x) {
    const std::int64_t b = first_row + at / stride, i = at % stride;
    units[at] = b < m.n_rows && i < m.input_width ? m.input.row(b)[i] : 0;
  }
  __syncthreads();
  for (int l = 0; l < m.n_layers; ++l) {
    const MiddleLayer& layer = m.layer[static_cast<std::size_t>(l)];
    const Sharing sharing(layer.in, layer.out);
    float bias[kRows];  // read ahead
#pragma unroll
    for (unsigned j = 0; j < kRows; ++j) {
      const Result<kRows> result(sharing, j);
      const bool has_one = result.exists && result.unit < layer.out;
      bias[j] = has_one ? layer.rows.weight.row(layer.in)[result.unit] : 0;
    }
    multiply<kRows, false>(units, stride, layer.rows.weight, layer.in, sharing, shares);
    __syncthreads();
#pragma unroll
    for (unsigned j = 0; j < kRows; ++j) {
      const Result<kRows> result(sharing, j);
      if (!result.exists) continue;
      const bool is_unit = result.unit < layer.out;
      float value = is_unit ? result.sum(sharing, shares) + bias[j] : 0;
      if (layer.relu) value = relu(value);
      units[result.row * stride + result.unit] = value;
      const std::int64_t b = first_row + result.row;
      if (b >= m.n_rows) continue;
      if (is_unit) layer.activation.row(b)[result.unit] = value;
      if (result.unit == 0) layer.activation.row(b)[layer.out] = 1;
    }
    __syncthreads();
  }
}

/// What lies between two layers: the output of layer l - 1, or with 0 the input layer's.
struct Level {
  Matrix<const float> activation;
  Matrix<float> delta;
  bool relu;
  std::int64_t width;

  constexpr Level(const MiddleLayers& m, int l)
      : activation(m.input), delta(m.input_delta), relu(m.input_relu), width(m.input_width) {
    if (l == 0) return;
    const MiddleLayer& layer = m.layer[static_cast<std::size_t>(l - 1)];
    activation = layer.activation;
    delta = layer.delta;
    relu = layer.relu;
    width = layer.out;
  }
};

template <unsigned kRows>
__global__ void __launch_bounds__(kFusedThreads, 1)
    middle_backward(const __grid_constant__ MiddleBackward op, unsigned stride) {
  DYN_SHARED(float, units);  // [kRows x stride]: the delta above
  float4* shares = reinterpret_cast<float4*>(units + kRows * stride);
  const MiddleLayers& m = op.layers;
  const std::int64_t first_row = static_cast<std::int64_t>(blockIdx.x) * kRows;
  for (int l = m.n_layers; l >= 0; --l) {
    const Level level(m, l);
    const bool last = l == m.n_layers;
    const std::int64_t n_terms = last ? 1 : m.layer[static_cast<std::size_t>(l)].out;
    const Sharing sharing(n_terms, level.width);
    float own[kRows];  // the gradient that does not come from above, and the mask: read ahead
    bool open[kRows];
#pragma unroll
    for (unsigned j = 0; j < kRows; ++j) {
      const Result<kRows> result(sharing, j);
      const std::int64_t b = first_row + result.row;
      own[j] = 0;
      open[j] = result.exists && result.unit < level.width && b < m.n_rows;
      if (!open[j]) continue;
      if (last) own[j] = op.grad_out.row(b)[result.unit];
      if (l == op.code_layer) own[j] += op.grad_code.row(b)[result.unit];
      if (level.relu) open[j] = level.activation.row(b)[result.unit] > 0;
    }
    if (!last) {
      const Matrix<float>& weight = m.layer[static_cast<std::size_t>(l)].rows.weight;
      multiply<kRows, true>(units, stride, weight, level.width, sharing, shares);
      __syncthreads();
    }
#pragma unroll
    for (unsigned j = 0; j < kRows; ++j) {
      const Result<kRows> result(sharing, j);
      if (!result.exists) continue;
      float delta = 0;
      if (open[j]) delta = last ? own[j] : result.sum(sharing, shares) + own[j];
      units[result.row * stride + result.unit] = delta;
      const std::int64_t b = first_row + result.row;
      if (b < m.n_rows && result.unit < level.width) level.delta.row(b)[result.unit] = delta;
    }
    __syncthreads();
  }
}

/// Launches forward or backward, of four or of eight rows a block: fewer blocks read the weights
/// less often, but a batch of 128 rows should not leave most of the card idle.
template <class Operation>
void launch_fused(void (*four_rows)(Operation, unsigned), void (*eight_rows)(Operation, unsigned),
                  const Operation& op, cudaStream_t stream) {
  const MiddleLayers& m = op.layers;
  std::int64_t widest = 1;
  for (int l = 0; l <= m.n_layers; ++l) widest = std::max(widest, Level(m, l).width);
  const unsigned threads = std::min(blocks_of(4 * widest, kWarp) * kWarp, kFusedThreads);
  const unsigned stride = 4 * blocks_of(widest, 4);
  const unsigned rows = m.n_rows <= 512 ? 4 : 8;
  // A group has a thread at least, and its shares a vector to spare.
  const std::size_t shared =
      (std::size_t{rows} * (stride + 4 * threads) + 4 * threads) * sizeof(float);
  launch(rows == 4 ? four_rows : eight_rows, {blocks_of(m.n_rows, rows), threads, shared, stream},
         op, stride);
}

bool is_narrow(const MiddleLayers& m) {
  for (int l = 0; l <= m.n_layers; ++l) {
    if (Level(m, l).width > kFusedWidth) return false;
  }
  return true;
}

// Layer by layer: the product by cuBLAS, and then one pass over the result, a block a row of it.
// Bytes of a pass: 8 a unit forward, 12 (and 4 of the code's own gradient) backward.
constexpr unsigned kPassThreads = 128;

__global__ void __launch_bounds__(kPassThreads, 8)
    activate(Matrix<float> activation, std::int64_t width, bool with_relu) {
  float* row = activation.row(blockIdx.x);
  for (std::int64_t c = threadIdx.x; c <= width; c += kPassThreads) {
    if (c == width) {
      row[c] = 1;
    } else if (with_relu) {
      row[c] = relu(row[c]);
    }
  }
}

/// grad_code.data may be null; grad may be the level's own delta.
__global__ void __launch_bounds__(kPassThreads, 8)
    mask(Matrix<const float> grad, Matrix<const float> grad_code, Level level) {
  const std::int64_t b = blockIdx.x;
  for (std::int64_t c = threadIdx.x; c < level.width; c += kPassThreads) {
    float delta = grad.row(b)[c];
    if (grad_code.data) delta += grad_code.row(b)[c];
    if (level.relu && !(level.activation.row(b)[c] > 0)) delta = 0;
    level.delta.row(b)[c] = delta;
  }
}

void forward_by_layers(const MiddleLayers& m, Gemm& gemm, cudaStream_t stream) {
  Matrix<const float> input = m.input;
  for (int l = 0; l < m.n_layers; ++l) {
    const MiddleLayer& layer = m.layer[static_cast<std::size_t>(l)];
    gemm.run(m.n_rows, layer.out, layer.in + 1, 1, {input}, {layer.rows.weight}, false,
             layer.activation);
    launch(activate, {static_cast<unsigned>(m.n_rows), kPassThreads, 0, stream}, layer.activation,
           layer.out, layer.relu);
    input = layer.activation;
  }
}

void backward_by_layers(const MiddleBackward& op, Gemm& gemm, cudaStream_t stream) {
  const MiddleLayers& m = op.layers;
  Matrix<const float> grad = op.grad_out;
  for (int l = m.n_layers; l >= 0; --l) {
    const Level level(m, l);
    if (l < m.n_layers) {
      const MiddleLayer& above = m.layer[static_cast<std::size_t>(l)];
      gemm.run(m.n_rows, above.in, above.out, 1, {above.delta}, {above.rows.weight, true}, false,
               level.delta);
      grad = level.delta;
    }
    const Matrix<const float> grad_code = l == op.code_layer ? op.grad_code : Matrix<const float>{};
    launch(mask, {static_cast<unsigned>(m.n_rows), kPassThreads, 0, stream}, grad, grad_code,
           level);
  }
}

}  // namespace

void launch_middle_forward(const MiddleForward& op, Gemm& gemm, cudaStream_t stream) {
  if (is_narrow(op.layers)) {
    launch_fused(middle_forward<4>, middle_forward<8>, op, stream);
  } else {
    forward_by_layers(op.layers, gemm, stream);
  }
}

void launch_middle_backward(const MiddleBackward& op, Gemm& gemm, cudaStream_t stream) {
  if (is_narrow(op.layers)) {
    launch_fused(middle_backward<4>, middle_backward<8>, op, stream);
  } else {
    backward_by_layers(op, gemm, stream);
  }
}

}  // namespace hourglass::cuda
