#include "hourglass/model/autoencoder.h"

#include <algorithm>
#include <span>
#include <string>

#include "hourglass/core/error.h"
#include "model/weight_rows.h"

namespace hourglass {
namespace {

// The share of rated cells from which on a dense product of a batch takes less time than a sparse
// one: a multiply-add of the latter loads what the former has in registers.
constexpr double kDenseInput = 0.15;

}  // namespace

Autoencoder::Parameters Autoencoder::make_parameters(const WeightRows& rows) {
  const std::int64_t n_rows = rows.n_rows(), width = rows.width(), stride = rows.stride();
  Parameters p;
  p.weight = Buffer<float>(*backend_, n_rows * stride);
  p.first_moment = Buffer<float>(*backend_, n_rows * stride);
  p.second_moment = Buffer<float>(*backend_, n_rows * stride);
  p.last_step = Buffer<std::int64_t>(*backend_, n_rows);
  p.matrix = {.weight = {p.weight.ptr(), stride},
              .first_moment = {p.first_moment.ptr(), stride},
              .second_moment = {p.second_moment.ptr(), stride},
              .last_step = p.last_step.ptr(),
              .width = width};
  p.n_rows = n_rows;
  return p;
}

Autoencoder::Autoencoder(Backend& backend, const AutoencoderOptions& options)
    : backend_(&backend), options_(options), layers_(options.shape.layers()) {
  options.shape.validate();
  if (layers_.size() - 2 > kMaxMiddleLayers) {
    throw Error("the network has " + std::to_string(options.shape.hidden.size()) +
                " hidden layers a side: at most " + std::to_string(kMaxMiddleLayers / 2) +
                " can be trained");
  }
  const std::int64_t n = options.shape.n_columns;
  const std::int64_t batch = options.max_batch;
  const std::int64_t entries = options.max_batch_entries;
  schedule_ = Buffer<AdamScalars>(backend, adam_schedule(options.adam));
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    parameters_.push_back(make_parameters(WeightRows(layers_, l)));
    if (l + 1 == layers_.size()) break;
    activations_.emplace_back(backend, batch * padded(layers_[l].n_outputs + 1));
    deltas_.emplace_back(backend, batch * padded(layers_[l].n_outputs));
  }
  const std::int64_t width = layers_.back().n_inputs + 1;
  grad_hidden_ = Buffer<float>(backend, batch * padded(width));
  if (options.output_path == OutputPath::kAuto) {
    options_.output_path = cheaper_output_path(options.density, n, batch, width - 1);
  }
  if (forms_outputs()) {
    dense_input_ = backend.takes_dense_input() && options.density >= kDenseInput &&
                   options.dropout.probability == 0 && layers_.size() - 1 <= kMaxMiddleLayers;
    if (dense_input_) rows_ = Buffer<float>(backend, batch * dense_stride());
    outputs_ = Buffer<float>(backend, batch * dense_stride());
    direct_scratch_ = Buffer<float>(backend, direct_scratch(n, width));
  } else if (options.objective == Objective::kAllCells) {
    product_ = Buffer<float>(backend, batch * padded(width));
    gram_ = Buffer<float>(backend, width * padded(width));
    hidden_gram_ = Buffer<float>(backend, width * padded(width));
    gram_scratch_ = Buffer<float>(backend, gram_scratch(n, width));
    if (skips_idle_in_gram()) idle_batches_ = Buffer<std::int32_t>(backend, width);
  }
  if (options.objective == Objective::kRatedCells || options.rates_others) {
    errors_ = Buffer<float>(backend, entries);
    rated_scratch_ = Buffer<float>(backend, rated_scratch(entries, batch, width));
  }
  if (options.sparsity.weight > 0) {
    grad_code_ = Buffer<float>(backend, batch * padded(options.shape.bottleneck));
    unit_penalties_ = Buffer<double>(backend, options.shape.bottleneck);
  }
  middle_scratch_ = Buffer<float>(backend, middle_scratch(middle(0)));
  row_sums_ = Buffer<double>(backend, batch + width);
  if (options.dropout.probability > 0) dropped_values_ = Buffer<float>(backend, entries + batch);
}

Matrix<float> Autoencoder::activation(std::size_t layer) {
  return {activations_[layer].ptr(), padded(layers_[layer].n_outputs + 1)};
}

AdamConstants Autoencoder::adam() const {
  const AdamOptions& o = options_.adam;
  return {.beta1 = static_cast<float>(o.beta1),
          .beta2 = static_cast<float>(o.beta2),
          .one_minus_beta1 = static_cast<float>(1 - o.beta1),
          .one_minus_beta2 = static_cast<float>(1 - o.beta2),
          .epsilon = static_cast<float>(o.epsilon),
          .weight_decay = static_cast<float>(o.weight_decay),
          .schedule = schedule_.ptr(),
          .schedule_size = schedule_.size()};
}

MiddleLayers Autoencoder::middle(std::int64_t n_rows) {
  const auto delta = [&](std::size_t l) {
    return Matrix<float>{deltas_[l].ptr(), padded(layers_[l].n_outputs)};
  };
  MiddleLayers m;
  const std::size_t first = first_middle_layer();
  m.n_layers = static_cast<int>(layers_.size() - 1 - first);
  m.input_width = layers_[first].n_inputs;
  if (dense_input_) {
    m.input = {rows_.ptr(), dense_stride()};
  } else {
    m.input = activation(0);
    m.input_delta = delta(0);
    m.input_relu = layers_[0].relu;
  }
  m.n_rows = n_rows;
  for (std::size_t l = first; l + 1 < layers_.size(); ++l) {
    m.layer[l - first] = {.in = layers_[l].n_inputs,
                      .out = layers_[l].n_outputs,
                      .relu = layers_[l].relu,
                      .rows = parameters_[l].matrix,
                      .activation = activation(l),
                      .delta = delta(l)};
  }
  return m;
}

void Autoencoder::load(const Model& model) {
  step_ = 0;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    Parameters& p = parameters_[l];
    std::vector<float> rows = WeightRows(layers_, l).pack(model.weights[l], model.biases[l]);
    p.weight.upload(rows);
    if (!touched_) continue;  // a buffer is zero at birth: its pages need not be there yet
    std::fill(rows.begin(), rows.end(), 0.0F);
    p.first_moment.upload(rows);
    p.second_moment.upload(rows);
    p.last_step.upload(std::vector<std::int64_t>(static_cast<std::size_t>(p.n_rows)));
  }
  touched_ = true;
  compute_gram();
}

void Autoencoder::compute_gram() {
  if (options_.objective != Objective::kAllCells || forms_outputs()) return;
  if (skips_idle_in_gram()) {  // none was live of late: the first loss asks for S
    idle_batches_.upload(
        std::vector<std::int32_t>(static_cast<std::size_t>(idle_batches_.size()), kGramMemory + 1));
  } else {
    run_gram({}, 0);
  }
}

void Autoencoder::run_gram(const Matrix<const float>& hidden, std::int64_t n_rows) {
  const AdamMatrix& w = parameters_.back().matrix;
  backend_->run(OutputGram{.weight = w.weight,
                           .n_columns = options_.shape.n_columns,
                           .width = w.width,
                           .gram = {gram_.ptr(), padded(w.width)},
                           .scratch = gram_scratch_.ptr(),
                           .hidden = hidden,
                           .n_rows = n_rows,
                           .idle_batches = idle_batches_.ptr()});
}

void Autoencoder::catch_up_all(Parameters& p) {
  backend_->run(CatchUpRows{.rows = p.matrix,
                            .adam = adam(),
                            .step = step_,
                            .ids = {},
                            .n_ids = {},
                            .n_rows = p.n_rows});
}

void Autoencoder::catch_up() {
  if (!dense_input_) catch_up_all(parameters_.front());  // else every row takes every step
  if (options_.objective == Objective::kRatedCells) catch_up_all(parameters_.back());
}

void Autoencoder::save(Model& model) {
  catch_up();
  model.shape = options_.shape;
  model.weights.resize(layers_.size());
  model.biases.resize(layers_.size());
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    std::vector<float> copy;
    const std::span<const float> rows = parameters_[l].weight.on_host(copy);
    model.weights[l].resize(static_cast<std::size_t>(layers_[l].n_inputs * layers_[l].n_outputs));
    model.biases[l].resize(static_cast<std::size_t>(layers_[l].n_outputs));
    WeightRows(layers_, l).unpack(rows, model.weights[l], model.biases[l]);
  }
}

void Autoencoder::forward(const BatchRows& batch, Ptr<const float> values,
                          Ptr<const std::int64_t> row_begin) {
  if (dense_input_) {
    backend_->run(DenseRows{batch, {rows_.ptr(), dense_stride()}});
    backend_->run(MiddleForward{middle(batch.n_rows)});
    return;
  }
  const AdamMatrix& input = parameters_.front().matrix;
  backend_->run(GatherRows{.batch = batch,
                           .weight = input.weight,
                           .width = input.width,
                           .bias_row = options_.shape.n_columns,
                           .relu = layers_[0].relu,
                           .append_one = true,
                           .out = activation(0),
                           .values = values,
                           .row_begin = row_begin});
  backend_->run(MiddleForward{middle(batch.n_rows)});
}

void Autoencoder::run_gram_loss(const BatchRows& batch, Ptr<double> loss) {
  const AdamMatrix& output = parameters_.back().matrix;
  const std::int64_t stride = padded(output.width);
  const Matrix<float> product = {product_.ptr(), stride};
  const Matrix<float> hidden = activation(layers_.size() - 2);
  if (skips_idle_in_gram()) run_gram(hidden, batch.n_rows);
  backend_->run(
      GatherRows{.batch = batch, .weight = output.weight, .width = output.width, .out = product});
  backend_->run(OutputGramLoss{.batch = batch,
                               .hidden = hidden,
                               .product = product,
                               .gram = Matrix<float>{gram_.ptr(), stride},
                               .width = output.width,
                               .hidden_gram = {hidden_gram_.ptr(), stride},
                               .grad_hidden = {grad_hidden_.ptr(), stride},
                               .row_sums = row_sums_.ptr(),
                               .loss = loss,
                               .skip_idle = skips_idle_in_gram()});
}

void Autoencoder::run_direct_loss(const BatchRows& batch, Ptr<double> loss) {
  const AdamMatrix& output = parameters_.back().matrix;
  const std::int64_t n = options_.shape.n_columns;
  const Matrix<float> outputs = {outputs_.ptr(), dense_stride()};
  const Matrix<float> hidden = activation(layers_.size() - 2);
  backend_->run(OutputForward{.hidden = hidden,
                              .weight = output.weight,
                              .n_rows = batch.n_rows,
                              .n_columns = n,
                              .width = output.width,
                              .out = outputs});
  backend_->run(CellLoss{
      .batch = batch,
      .outputs = outputs,
      .row_sums = row_sums_.ptr(),
      .loss = loss,
      .dense = dense_input_ ? Matrix<float>{rows_.ptr(), dense_stride()} : Matrix<float>{}});
  backend_->run(OutputBackward{.errors = outputs,
                               .weight = output.weight,
                               .n_rows = batch.n_rows,
                               .n_columns = n,
                               .width = output.width,
                               .grad_hidden = {grad_hidden_.ptr(), padded(output.width)},
                               .hidden = skips_idle() ? hidden : Matrix<float>{}});
}

void Autoencoder::run_rated_loss(EpochBatches& batches, std::int64_t k, Ptr<double> loss) {
  const AdamMatrix& output = parameters_.back().matrix;
  backend_->run(RatedLoss{.batch = batches.rows(k),
                          .row_begin = batches.columns(k).row_begin,
                          .hidden = activation(layers_.size() - 2),
                          .weight = output.weight,
                          .width = output.width,
                          .n_ratings = batches.n_ratings(k),
                          .errors = errors_.ptr(),
                          .grad_hidden = {grad_hidden_.ptr(), padded(output.width)},
                          .scratch = rated_scratch_.ptr(),
                          .row_sums = row_sums_.ptr(),
                          .loss = loss});
}

void Autoencoder::rated_loss(const EpochBatches& inputs, EpochBatches& targets, std::int64_t k,
                             Ptr<double> loss) {
  targets.columns(k);  // transposed before the step's scope: that may copy
  const StepScope scope(*backend_);
  forward(inputs.rows(k), {}, {});
  run_rated_loss(targets, k, loss);
}

Ptr<const float> Autoencoder::drop_out(const BatchRows& batch, Ptr<const std::int64_t> row_begin) {
  const double p = options_.dropout.probability;
  backend_->run(DropoutInput{.batch = batch,
                             .row_begin = row_begin,
                             .probability = static_cast<float>(p),
                             .scale = static_cast<float>(1 / (1 - p)),
                             .seed = options_.dropout.seed,
                             .draw = static_cast<std::uint32_t>(step_),
                             .values = dropped_values_.ptr()});
  return dropped_values_.ptr();
}

void Autoencoder::add_sparsity(MiddleBackward& backward, Ptr<double> penalty) {
  const auto code = static_cast<std::size_t>(options_.shape.n_encoder_layers() - 1);
  const Matrix<float> grad = {grad_code_.ptr(), padded(options_.shape.bottleneck)};
  backend_->run(SparsityPenalty{.code = activation(code),
                                .n_rows = backward.layers.n_rows,
                                .width = options_.shape.bottleneck,
                                .weight = options_.sparsity.weight,
                                .target = options_.sparsity.target,
                                .grad = grad,
                                .unit_penalties = unit_penalties_.ptr(),
                                .penalty = penalty});
  backward.code_layer = static_cast<int>(code + 1 - first_middle_layer());
  backward.grad_code = grad;
}

void Autoencoder::step(EpochBatches& batches, std::int64_t k, Ptr<double> loss,
                       Ptr<double> penalty) {
  const std::int64_t n = options_.shape.n_columns;
  const bool all = options_.objective == Objective::kAllCells;
  const AdamConstants constants = adam();
  const AdamMatrix& input = parameters_.front().matrix;
  const AdamMatrix& output = parameters_.back().matrix;
  const Matrix<float> hidden = activation(layers_.size() - 2);
  const std::int64_t stride = padded(output.width);
  const Matrix<float> grad_hidden = {grad_hidden_.ptr(), stride};
  const BatchRows batch = batches.rows(k);
  const BatchColumns columns = dense_input_ ? BatchColumns{} : batches.columns(k);
  const std::int64_t n_ratings = batches.n_ratings(k);
  const std::int64_t max_columns = std::min(batches.most_ratings(), n) + 1;

  const StepScope scope(*backend_);  // behind columns(): that may copy
  const auto catch_up = [&](const AdamMatrix& rows, int with_bias, std::int64_t n_rows) {
    backend_->run(CatchUpRows{.rows = rows,
                              .adam = constants,
                              .step = step_,
                              .ids = columns.ids,
                              .n_ids = columns.n_columns + with_bias,
                              .n_rows = n_rows});
  };
  if (!dense_input_) catch_up(input, 1, n + 1);
  if (!all) catch_up(output, 0, n);
  ++step_;
  Ptr<const float> input_values = columns.values;
  if (options_.dropout.probability > 0) {
    input_values = drop_out(batch, columns.row_begin);
  }
  forward(batch, input_values, columns.row_begin);
  if (forms_outputs()) {
    run_direct_loss(batch, loss);
  } else if (all) {
    run_gram_loss(batch, loss);
  } else {
    run_rated_loss(batches, k, loss);
  }
  const MiddleLayers layers = middle(batch.n_rows);
  MiddleBackward backward = {
      .layers = layers, .grad_out = grad_hidden, .scratch = middle_scratch_.ptr()};
  if (options_.sparsity.weight > 0) add_sparsity(backward, penalty);
  backend_->run(backward);
  if (forms_outputs()) {
    backend_->run(OutputDirectUpdate{.errors = Matrix<float>{outputs_.ptr(), dense_stride()},
                                     .hidden = hidden,
                                     .n_rows = batch.n_rows,
                                     .n_columns = n,
                                     .rows = output,
                                     .adam = constants,
                                     .step = step_,
                                     .scratch = direct_scratch_.ptr()});
  } else if (all) {
    backend_->run(OutputGramUpdate{.columns = columns,
                                   .batch = batch.n_rows,
                                   .hidden = hidden,
                                   .hidden_gram = Matrix<float>{hidden_gram_.ptr(), stride},
                                   .n_columns = n,
                                   .rows = output,
                                   .adam = constants,
                                   .step = step_,
                                   .gram = {gram_.ptr(), stride},
                                   .scratch = gram_scratch_.ptr(),
                                   .idle_batches = idle_batches_.ptr()});
  } else {
    backend_->run(SparseAdam{.columns = columns,
                             .bias_column = false,
                             .coefficients = errors_.ptr(),
                             .factor = hidden,
                             .scale = static_cast<float>(2.0 / static_cast<double>(n_ratings)),
                             .max_columns = max_columns,
                             .rows = output,
                             .adam = constants,
                             .step = step_});
  }
  backend_->run(MiddleUpdate{layers, constants, step_});
  if (dense_input_) return;
  backend_->run(SparseAdam{.columns = columns,
                           .bias_column = true,
                           .coefficients = input_values,
                           .factor = layers.input_delta,
                           .scale = 1,
                           .max_columns = max_columns,
                           .rows = input,
                           .adam = constants,
                           .step = step_});
}

}  // namespace hourglass
