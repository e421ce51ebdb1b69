// The state of an autoencoder that trains, as checkpoints keep it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "hourglass/core/error.h"
#include "hourglass/model/autoencoder.h"

namespace hourglass {

template <class Self, class Use>
void Autoencoder::for_each_state(Self& self, const Use& use) {
  for (std::size_t l = 0; l < self.layers_.size(); ++l) {
    auto& p = self.parameters_[l];
    const std::string& name = self.layers_[l].name;
    const Shape matrix = {p.n_rows, p.matrix.weight.stride};
    use(name + ".rows", matrix, p.weight);
    use(name + ".first_moment", matrix, p.first_moment);
    use(name + ".second_moment", matrix, p.second_moment);
    use(name + ".last_step", Shape{p.n_rows}, p.last_step);
  }
}

std::vector<TensorView> Autoencoder::state() {
  if (dense_input_) {  // who goes on may defer rows
    Buffer<std::int64_t>& last_step = parameters_.front().last_step;
    last_step.upload(std::vector<std::int64_t>(static_cast<std::size_t>(last_step.size()), step_));
  }
  std::vector<TensorView> tensors;
  for_each_state(*this, [&]<class T>(const std::string& name, const Shape& shape,
                                     const Buffer<T>& array) {
    const auto read = [this, &array](std::int64_t offset, std::span<std::byte> bytes) {
      const std::span<T> values(reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T));
      backend_->download(values, array.ptr() + offset / static_cast<std::int64_t>(sizeof(T)));
    };
    tensors.emplace_back(name, std::is_same_v<T, float> ? DType::kF32 : DType::kI64, shape, read);
  });
  return tensors;
}

void Autoencoder::load_state(const SafetensorsFile& file, std::int64_t step) {
  const auto fail = [&](const std::string& name, const std::string& what) {
    throw Error(fmt::format("{}: {} {}, so it is no checkpoint of this network; train anew",
                            file.path().string(), name, what));
  };
  for_each_state(*this, [&]<class T>(const std::string& name, const Shape& shape,
                                     Buffer<T>& array) {
    const auto found = file.tensors().find(name);
    if (found == file.tensors().end()) return fail(name, "is missing");
    if (found->second.shape != shape) {
      fail(name, "has the shape " + to_string(found->second.shape) + ", not " + to_string(shape));
    }
    if constexpr (std::is_same_v<T, float>) {
      array.upload(file.read_f32(name));
    } else {
      const std::vector<T> seen = file.read_i64(name);  // they will index the schedule
      if (std::ranges::any_of(seen, [&](T last) { return last < 0 || last > step; })) {
        fail(name, "tells of steps that were not made");
      }
      array.upload(seen);
    }
  });
  step_ = step;
  touched_ = true;
  if (dense_input_) {  // who wrote this may have deferred rows
    catch_up_all(parameters_.front());
  }
  compute_gram();
}

bool Autoencoder::weights_are_finite() const {
  constexpr std::int64_t kBlock = std::int64_t{1} << 16;
  std::vector<float> block;
  for (const Parameters& p : parameters_) {
    for (std::int64_t begin = 0; begin < p.weight.size(); begin += kBlock) {
      block.resize(static_cast<std::size_t>(std::min(kBlock, p.weight.size() - begin)));
      backend_->download(std::span<float>(block), p.weight.ptr() + begin);
      if (!std::ranges::all_of(block, [](float w) { return std::isfinite(w); })) return false;
    }
  }
  return true;
}

}  // namespace hourglass
