// The narrow middle's operations: what is shared out among the threads.
#include <algorithm>
#include <array>

#include "cpu/backend.h"
#include "cpu/kernels.h"

namespace hourglass::cpu {
namespace {

/// Of an input or an output of a layer, the 1 included.
std::int64_t most_units(const MiddleLayers& m) {
  std::int64_t most = m.input_width + 1;
  for (int l = 0; l < m.n_layers; ++l) {
    most = std::max(most, m.layer[static_cast<std::size_t>(l)].out + 1);
  }
  return most;
}

}  // namespace

template <class FactorOf>
CpuBackend::RoundedLayers CpuBackend::round_layers(const MiddleLayers& m,
                                                   const FactorOf& factor_of) {
  RoundedLayers layers{};
  if (math_ != Math::kBf16) return layers;
  // Sizes first: what is packed may not move.
  for (const bool packs : {false, true}) {
    std::int64_t at = 0, inner = 0;
    for (std::size_t l = 0; l < static_cast<std::size_t>(m.n_layers); ++l) {
      const Factor factor = factor_of(m.layer[l]);
      // No data: backward does not go through a layer whose input is data.
      if (!is_wide(m.layer[l]) || factor.data == nullptr) continue;
      if (packs) layers[l] = rounded_columns(factor, m.n_rows, at);
      at += bf16_columns_size(factor.inner, factor.columns);
      inner = std::max(inner, factor.inner);
    }
    if (!packs) reserve_pairs(at, bf16_rows_size(m.n_rows, inner));
  }
  return layers;
}

std::array<Rounded, kMaxMiddleLayers> CpuBackend::of_thread(const RoundedLayers& layers,
                                                            int thread) {
  std::array<Rounded, kMaxMiddleLayers> rounded_layers{};
  for (std::size_t l = 0; l < layers.size(); ++l) rounded_layers[l] = rounded(layers[l], thread);
  return rounded_layers;
}

void CpuBackend::run(const MiddleForward& op) {
  reserve_ids(most_units(op.layers));
  const RoundedLayers wide = round_layers(op.layers, [&](const MiddleLayer& layer) {
    return Factor{layer.in + 1, layer.out, layer.rows.weight.data.raw(), layer.rows.weight.stride};
  });
  pool_.split(op.layers.n_rows, [&](std::int64_t begin, std::int64_t end, int thread) {
    const auto layers = of_thread(wide, thread);
    middle_forward(op, begin, end, ids_[static_cast<std::size_t>(thread)].data(), layers.data());
  });
}

void CpuBackend::run(const MiddleBackward& op) {
  const MiddleLayers& m = op.layers;
  reserve_ids(most_units(m));
  std::array<std::int64_t, kMaxMiddleLayers + 1> first_piece{};  // of each layer
  std::array<float*, kMaxMiddleLayers> transposed{};
  float* next = op.scratch.raw();
  for (std::size_t l = 0; l < static_cast<std::size_t>(m.n_layers); ++l) {
    const bool wanted = l > 0 || m.input_delta.data;
    transposed[l] = wanted ? next : nullptr;
    first_piece[l + 1] = first_piece[l] + (wanted ? pieces(m.layer[l].in, kRowAlignment) : 0);
    next += wanted ? m.layer[l].out * padded(m.layer[l].in) : 0;
  }
  pool_.claim(first_piece[static_cast<std::size_t>(m.n_layers)], [&](std::int64_t piece, int) {
    std::size_t l = 0;
    while (piece >= first_piece[l + 1]) ++l;
    const std::int64_t begin = (piece - first_piece[l]) * kRowAlignment;
    transpose_weights(m.layer[l], begin, std::min(begin + kRowAlignment, m.layer[l].in),
                      transposed[l]);
  });
  const RoundedLayers wide = round_layers(m, [&](const MiddleLayer& layer) {
    return Factor{layer.out, layer.in,
                  transposed[static_cast<std::size_t>(&layer - m.layer.data())], padded(layer.in)};
  });
  pool_.split(m.n_rows, [&](std::int64_t begin, std::int64_t end, int thread) {
    const auto layers = of_thread(wide, thread);
    middle_backward(op, begin, end, ids_[static_cast<std::size_t>(thread)].data(), layers.data());
  });
}

void CpuBackend::run(const MiddleUpdate& op) {
  const MiddleLayers& m = op.layers;
  const auto n_layers = static_cast<std::size_t>(m.n_layers);
  // The live units of every layer's input and delta, packed.
  live_inputs_.resize(kMaxMiddleLayers);
  live_deltas_.resize(kMaxMiddleLayers);
  std::array<float*, kMaxMiddleLayers> inputs{}, deltas{};
  std::int64_t floats = 0;
  for (std::size_t l = 0; l < n_layers; ++l) {
    floats += m.n_rows * (padded(m.layer[l].in + 1) + padded(m.layer[l].out) + 2 * kRowAlignment);
  }
  float* next = reserve_packed(floats);
  for (std::size_t l = 0; l < n_layers; ++l) {
    inputs[l] = next;
    deltas[l] = inputs[l] + m.n_rows * (padded(m.layer[l].in + 1) + kRowAlignment);
    next = deltas[l] + m.n_rows * (padded(m.layer[l].out) + kRowAlignment);
    // Here, where an allocation may fail: in the pool's threads nothing may throw.
    live_inputs_[l].reserve(m.layer[l].in + 1, float_lanes());
    live_deltas_[l].reserve(m.layer[l].out, float_lanes());
  }
  std::array<PackedLayer, kMaxMiddleLayers> packed{};
  const auto input_of = [&](std::size_t l) -> Matrix<const float> {
    return l == 0 ? m.input : m.layer[l - 1].activation;
  };
  pool_.claim(2 * m.n_layers, [&](std::int64_t piece, int) {
    const auto l = static_cast<std::size_t>(piece / 2);
    const MiddleLayer& layer = m.layer[l];
    if (piece % 2 == 0 && l == 0 && !m.input_delta.data) {  // data: all of it, where it lies
      live_inputs_[l].reserve(layer.in + 1, float_lanes());
      live_inputs_[l].set_all(layer.in + 1);
      packed[l].input = m.input;
    } else if (piece % 2 == 0) {
      find_live(input_of(l), m.n_rows, layer.in + 1, live_inputs_[l]);
      const std::int64_t stride = live_inputs_[l].packed_stride();
      pack_rows(live_inputs_[l], input_of(l), 0, m.n_rows, inputs[l], stride);
      packed[l].input = {Ptr<const float>(inputs[l]), stride};
    } else {
      find_live(layer.delta, m.n_rows, layer.out, live_deltas_[l]);
      const std::int64_t stride = live_deltas_[l].packed_stride();
      pack_rows(live_deltas_[l], layer.delta, 0, m.n_rows, deltas[l], stride);
      packed[l].delta = {Ptr<const float>(deltas[l]), stride};
    }
  });
  std::array<std::int64_t, kMaxMiddleLayers + 1> first_piece{};  // of each layer
  std::int64_t widest = 0;
  for (std::size_t l = 0; l < n_layers; ++l) {
    packed[l].in = &live_inputs_[l];
    packed[l].out = &live_deltas_[l];
    // At least one: Adam's step is every row's, with no live input as well.
    first_piece[l + 1] =
        first_piece[l] + std::max<std::int64_t>(pieces(live_inputs_[l].count(), kRowsAtATime), 1);
    widest = std::max(widest, live_deltas_[l].max_packed_stride());
  }
  reserve_scratch(kRowsAtATime * widest);
  const RoundedLayers wide = round_layers(m, [&](const MiddleLayer& layer) {
    const PackedLayer& of_layer = packed[static_cast<std::size_t>(&layer - m.layer.data())];
    return Factor{m.n_rows, of_layer.out->count(), of_layer.delta.data.raw(),
                  of_layer.delta.stride};
  });
  pool_.claim(first_piece[n_layers], [&](std::int64_t piece, int thread) {
    std::size_t l = 0;
    while (piece >= first_piece[l + 1]) ++l;
    const std::int64_t begin = (piece - first_piece[l]) * kRowsAtATime;
    middle_update(op, static_cast<int>(l), packed[l], rounded(wide[l], thread), begin,
                  std::min(begin + kRowsAtATime, live_inputs_[l].count()), scratch(thread));
  });
}

}  // namespace hourglass::cpu
