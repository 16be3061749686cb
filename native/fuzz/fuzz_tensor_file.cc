// The container's reader: whatever the bytes, a typed error or a file whose tensors can be read.
#include <cstdlib>

#include "aligned_input.h"
#include "couponcast/tensor_file.h"

using couponcast::TensorFile;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  couponcast::fuzz::AlignedInput input(data, size);
  const auto file = TensorFile::Parse(input.bytes(), "fuzz");
  if (!file.ok()) {
    if (file.status().message().empty()) std::abort();
    return 0;
  }
  unsigned sum = 0;
  for (const auto& [name, tensor] : file.value().tensors()) {
    for (const std::byte byte : tensor.bytes) sum += std::to_integer<unsigned>(byte);
    int64_t elements = 1;
    for (const int64_t extent : tensor.shape) elements *= extent;
    if (elements != tensor.elements || elements * couponcast::DtypeBytes(tensor.dtype) != static_cast<int64_t>(tensor.bytes.size()))
      std::abort();
    // The typed views, right and wrong.
    if (const auto values = file.value().Get<int64_t>(name); values.ok()) {
      for (const int64_t value : values.value()) sum += static_cast<unsigned>(value);
    }
    if (const auto values = file.value().Get<double>(name, 3); values.ok() && values.value().size() != 3) std::abort();
    if (const auto values = file.value().Get<float>(name); values.ok()) {
      for (const float value : values.value()) sum += value > 0 ? 1 : 0;
    }
  }
  static_cast<void>(file.value().VerifyDigest());
  return sum == 0xFFFFFFFF ? 1 : 0;  // keeps the reads
}
