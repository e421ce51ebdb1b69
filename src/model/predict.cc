#include "hourglass/model/predict.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>

#include "hourglass/core/error.h"
#include "hourglass/model/autoencoder.h"

namespace hourglass {
namespace {

constexpr std::size_t kBlock = 128;  ///< rows in the backend's memory at a time

/// The rows of `ratings` that are asked for, as a matrix of their own: a few rows of a large matrix
/// should not take all of it into a backend's memory.
CsrMatrix select_rows(const CsrMatrix& ratings, std::span<const std::int32_t> rows) {
  CsrMatrix selected;
  selected.n_rows = static_cast<std::int64_t>(rows.size());
  selected.n_columns = ratings.n_columns;
  for (const std::int32_t row : rows) {
    const auto begin = ratings.row_offsets[static_cast<std::size_t>(row)];
    const auto end = ratings.row_offsets[static_cast<std::size_t>(row) + 1];
    selected.columns.insert(selected.columns.end(), ratings.columns.begin() + begin,
                            ratings.columns.begin() + end);
    selected.values.insert(selected.values.end(), ratings.values.begin() + begin,
                           ratings.values.begin() + end);
    selected.row_offsets.push_back(static_cast<std::int64_t>(selected.columns.size()));
  }
  return selected;
}

std::vector<float> predict_block(Backend& backend, Autoencoder& network, const CsrMatrix& block) {
  Buffer<std::int64_t> row_offsets(backend, std::span<const std::int64_t>(block.row_offsets));
  Buffer<std::int32_t> columns(backend, std::span<const std::int32_t>(block.columns));
  Buffer<float> values(backend, std::span<const float>(block.values));
  std::vector<std::int32_t> order(static_cast<std::size_t>(block.n_rows));
  std::iota(order.begin(), order.end(), 0);
  Buffer<std::int32_t> rows(backend, std::span<const std::int32_t>(order));
  const CsrPtr ratings = {row_offsets.ptr(), columns.ptr(), values.ptr(), block.n_rows,
                          block.n_columns};
  return network.predict({ratings, rows.ptr(), static_cast<std::int32_t>(block.n_rows)});
}

}  // namespace

std::vector<float> predict(Backend& backend, const Model& model, const CsrMatrix& ratings,
                           std::span<const std::int32_t> rows) {
  if (ratings.n_columns != model.shape.n_columns) {
    throw Error("the model has " + std::to_string(model.shape.n_columns) +
                " columns and the ratings have " + std::to_string(ratings.n_columns) +
                ": give the ratings the model's columns, in its order");
  }
  for (const std::int32_t row : rows) {
    if (row < 0 || row >= ratings.n_rows) {
      throw std::out_of_range("predict: row " + std::to_string(row) + " of " +
                              std::to_string(ratings.n_rows));
    }
  }
  // Of rated cells, since for all cells an Autoencoder makes the Gram matrix of its output weights
  // ready for a training step that does not come here.
  Autoencoder network(backend,
                      {.shape = model.shape,
                       .objective = Objective::kRatedCells,
                       .adam = {},
                       .max_batch = static_cast<std::int32_t>(std::min(rows.size(), kBlock)),
                       .max_batch_entries = 0});
  network.load(model);
  std::vector<float> outputs;
  outputs.reserve(rows.size() * static_cast<std::size_t>(model.shape.n_columns));
  for (std::size_t first = 0; first < rows.size(); first += kBlock) {
    const auto part = rows.subspan(first, std::min(kBlock, rows.size() - first));
    const std::vector<float> block = predict_block(backend, network, select_rows(ratings, part));
    outputs.insert(outputs.end(), block.begin(), block.end());
  }
  return outputs;
}

}  // namespace hourglass
