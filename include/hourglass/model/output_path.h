#pragma once

#include <cstdint>

namespace hourglass {

/// How the output layer's products are done where the loss is over all cells. The bits differ, the
/// mathematics does not.
enum class OutputPath {
  kAuto,    ///< as cheaper_output_path() says
  kGram,    ///< one pass over the weights, the outputs never formed (ops/output.h)
  kDirect,  ///< the outputs formed, three products of full size (ops/output_direct.h)
};

/// The path whose step costs less: kGram or kDirect. `density` is the share of the cells that are
/// rated, `batch` a batch's rows, `hidden` the units of the last hidden layer. It knows neither the
/// device nor its threads: a model takes one path wherever it is trained, and --resume the same.
OutputPath cheaper_output_path(double density, std::int64_t n_columns, std::int64_t batch,
                               std::int64_t hidden);

}  // namespace hourglass
