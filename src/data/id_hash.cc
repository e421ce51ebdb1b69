#include "hourglass/data/id_hash.h"

#include <cstring>
#include <random>

namespace hourglass {
namespace {

struct Secret {
  std::uint64_t a, b;
};

const Secret& secret() {
  static const Secret value = [] {
    std::random_device random;
    const auto word = [&] { return (std::uint64_t{random()} << 32) | random() | 1; };
    return Secret{word(), word()};
  }();
  return value;
}

__extension__ using Wide = unsigned __int128;

std::uint64_t mixed(std::uint64_t x, std::uint64_t y) {
  const Wide product = Wide{x} * y;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

std::size_t IdHash::operator()(std::string_view text) const {
  const Secret& key = secret();
  std::uint64_t state = key.a ^ text.size();
  while (text.size() > 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data(), 8);
    state = mixed(state ^ word, key.b);
    text.remove_prefix(8);
  }
  std::uint64_t word = 0;
  for (const char c : text) word = word << 8 | static_cast<unsigned char>(c);
  return mixed(mixed(state ^ word, key.b) ^ key.a, key.b);
}

std::size_t IdHash::operator()(std::uint64_t number) const {
  const Secret& key = secret();
  return mixed(mixed(number ^ key.a, key.b) ^ key.a, key.b);
}

}  // namespace hourglass
