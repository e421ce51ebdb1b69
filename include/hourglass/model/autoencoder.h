#pragma once

#include <cstdint>
#include <vector>

#include "hourglass/model/adam_schedule.h"
#include "hourglass/model/epoch_batches.h"
#include "hourglass/model/model_file.h"
#include "hourglass/model/network.h"
#include "hourglass/model/output_path.h"
#include "hourglass/model/safetensors.h"
#include "hourglass/ops/backend.h"

namespace hourglass {

struct WeightRows;

/// What the loss is the mean square over.
enum class Objective {
  kAllCells,    ///< every cell of the batch, zeros included: the notebook's
  kRatedCells,  ///< the rated cells of the batch only
};

/// The penalty that makes an autoencoder sparse (ops/sparsity.h); weight 0: there is none.
struct SparsityOptions {
  double weight = 0, target = 0.05;
};

/// Dropout on the input, as torch.nn.Dropout before the encoder: the loss's targets stay whole.
struct DropoutOptions {
  double probability = 0;  ///< of each rating; 0: there is none
  std::uint64_t seed = 0;
};

struct AutoencoderOptions {
  NetworkShape shape;
  Objective objective = Objective::kAllCells;
  AdamOptions adam;
  SparsityOptions sparsity = {};
  DropoutOptions dropout = {};
  std::int32_t max_batch = 128;        ///< rows of the largest batch
  std::int64_t max_batch_entries = 0;  ///< ratings of the fullest batch, of targets too
  OutputPath output_path = OutputPath::kAuto;  ///< of Objective::kAllCells
  double density = 0;                          ///< rated share of the cells; for OutputPath::kAuto
  bool rates_others = false;  ///< rated_loss() will be called
  bool skip_idle = true;  ///< units idle for a whole batch are left out of products: same bits
};

/// The network in a backend's memory and its training step, written once, in operations.
class Autoencoder {
 public:
  Autoencoder(Backend& backend, const AutoencoderOptions& options);

  /// Takes the weights (the shape must be options.shape) and starts Adam anew.
  void load(const Model& model);
  /// The weights as Adam leaves them after all steps so far, in PyTorch's layout. Catches deferred
  /// rows up in place, by the loop that the next reading would have used: the bits do not depend on
  /// whether anybody asked.
  void save(Model& model);

  /// One step on batch k: the mean square before it goes to *loss [1], in the backend's memory, and
  /// the sparsity penalty, where there is one, to *penalty [1]. The step is on their sum.
  /// Objective::kRatedCells needs a batch with a rating.
  void step(EpochBatches& batches, std::int64_t k, Ptr<double> loss, Ptr<double> penalty = {});

  /// Replays what deferred rows have missed, so that every weight stands after the last step.
  void catch_up();
  /// The mean square over the ratings of the targets' batch k, which must have one, as predicted
  /// from the same rows of the inputs' batch k, to *loss [1] in the backend's memory. After
  /// catch_up(); no step. Needs options.rates_others.
  void rated_loss(const EpochBatches& inputs, EpochBatches& targets, std::int64_t k,
                  Ptr<double> loss);

  std::int64_t steps() const { return step_; }
  /// The one taken: never kAuto. Of Objective::kAllCells.
  OutputPath output_path() const { return options_.output_path; }

  /// Whether a step reads its batch's columns.
  bool takes_columns() const { return !dense_input_; }
  /// Of the fullest step.
  StepSizes step_sizes() const;

  /// The weights and Adam's state as they stand, deferred rows deferred, in our own layout: a layer's
  /// NAME.rows, NAME.first_moment, NAME.second_moment (F32 [n_rows, stride]: a row an input, the bias
  /// last; of the output layer a row an output, the bias in its last column) and NAME.last_step (I64
  /// [n_rows]). Read from the backend's memory while a file is written: one copy of them is enough.
  std::vector<TensorView> state();
  /// Takes up such a state, as it was after `step` steps. Throws Error where it is none of this
  /// network.
  void load_state(const SafetensorsFile& file, std::int64_t step);
  /// No weight is infinite or NaN.
  bool weights_are_finite() const;

 private:
  struct Parameters {
    Buffer<float> weight, first_moment, second_moment;
    Buffer<std::int64_t> last_step;
    AdamMatrix matrix;
    std::int64_t n_rows = 0;
  };
  Parameters make_parameters(const WeightRows& rows);
  void catch_up_all(Parameters& p);
  /// use(name, array) for each array of the state.
  template <class Self, class Use>
  static void for_each_state(Self& self, const Use& use);
  bool forms_outputs() const {
    return options_.objective == Objective::kAllCells &&
           options_.output_path == OutputPath::kDirect;
  }
  /// Whether units that ReLU leaves at zero for a whole batch may be left out: the gradient by them
  /// goes nowhere.
  bool skips_idle() const { return options_.skip_idle && layers_[layers_.size() - 2].relu; }
  /// 0 where the input layer is one of the middle's, else 1.
  std::size_t first_middle_layer() const { return dense_input_ ? 0 : 1; }
  /// Of [batch x n_columns (+ 1)]: not a multiple of many cache lines, since the same column of
  /// many rows would share one place in a cache.
  std::int64_t dense_stride() const {
    const std::int64_t lines = padded(options_.shape.n_columns + 1) / kRowAlignment;
    return (lines | 1) * kRowAlignment;
  }
  bool skips_idle_in_gram() const { return skips_idle() && backend_->skips_idle_in_gram(); }
  void compute_gram();
  /// S, of the units that are not idle in hidden [n_rows x width], where that is set.
  void run_gram(const Matrix<const float>& hidden, std::int64_t n_rows);
  /// Of batch k, from the last hidden activations.
  void run_rated_loss(EpochBatches& batches, std::int64_t k, Ptr<double> loss);
  /// The loss over all cells and the gradient by the last hidden activations, on either path.
  void run_gram_loss(const BatchRows& batch, Ptr<double> loss);
  void run_direct_loss(const BatchRows& batch, Ptr<double> loss);
  /// `values`, where set: the input in batch order, instead of the ratings; with its row_begin.
  void forward(const BatchRows& batch, Ptr<const float> values, Ptr<const std::int64_t> row_begin);
  /// The batch's input with this step's dropout, in batch order.
  Ptr<const float> drop_out(const BatchRows& batch, Ptr<const std::int64_t> row_begin);
  /// The gradient of *penalty by the code, into `backward`.
  void add_sparsity(MiddleBackward& backward, Ptr<double> penalty);
  MiddleLayers middle(std::int64_t n_rows);
  AdamConstants adam() const;
  Matrix<float> activation(std::size_t layer);

  Backend* backend_;
  AutoencoderOptions options_;
  std::vector<LayerShape> layers_;
  std::int64_t step_ = 0;
  bool touched_ = false;  ///< the moments may be other than zero
  Buffer<AdamScalars> schedule_;
  std::vector<Parameters> parameters_;       ///< a layer each
  std::vector<Buffer<float>> activations_;   ///< of layers 0 .. last - 1: [batch x (out + 1)]
  std::vector<Buffer<float>> deltas_;        ///< likewise [batch x out]
  Buffer<float> grad_hidden_, product_, errors_, gram_, hidden_gram_;
  Buffer<float> gram_scratch_, middle_scratch_, rated_scratch_;
  Buffer<float> grad_code_, outputs_, direct_scratch_;
  Buffer<double> row_sums_, unit_penalties_;
  Buffer<std::int32_t> idle_batches_;  ///< of the last hidden units, where skips_idle_in_gram()
  bool dense_input_ = false;  ///< batches are made dense, and their input layer is the middle's first
  Buffer<float> rows_;        ///< then: the batch's
  Buffer<float> dropped_values_;
};

}  // namespace hourglass
