// A safetensors file, ours or another program's: every tensor is read.
#include "hourglass/model/safetensors.h"

#include "fuzz/files.h"
#include "fuzz/harness.h"
#include "fuzz/safetensors_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass;
  static fuzz::MemoryFile memory;
  fuzz::Input input(data, size);
  const unsigned form = input.byte();
  const std::string bytes = fuzz::safetensors_of(form, input.rest());
  memory.put(bytes);
  const auto checksum = (form & 8) != 0 ? Checksum::kRequired : Checksum::kIfPresent;
  fuzz::refusal(bytes.size(), [&] {
    const SafetensorsFile file(memory.path(), checksum);
    std::int64_t total = 0;
    for (const auto& [name, tensor] : file.tensors()) {
      const std::int64_t n = tensor.end - tensor.begin;
      total += n;
      std::int64_t read = n;
      switch (tensor.dtype) {
        case DType::kF32:
          read = 4 * std::ssize(file.read_f32(name));
          break;
        case DType::kF64:
          read = 8 * std::ssize(file.read_f64(name));
          break;
        case DType::kI32:
          read = 4 * std::ssize(file.read_i32(name));
          break;
        case DType::kI64:
          read = 8 * std::ssize(file.read_i64(name));
          break;
        case DType::kU8:
          read = std::ssize(file.read_u8(name));
          break;
        default:
          break;
      }
      fuzz::expect(read == n, "a tensor is read whole");
    }
    fuzz::expect(total <= static_cast<std::int64_t>(bytes.size()), "tensors lie in the file");
    fuzz::expect(checksum == Checksum::kIfPresent || file.has_checksum(), "ours have a checksum");
  });
  return 0;
}
