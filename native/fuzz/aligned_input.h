// A fuzzer's input, copied to an 8-byte aligned address as a memory map would have it, in a block of its exact size
// (but for the alignment), so that the sanitizer sees every read behind its end.
#ifndef COUPONCAST_FUZZ_ALIGNED_INPUT_H_
#define COUPONCAST_FUZZ_ALIGNED_INPUT_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace couponcast::fuzz {

class AlignedInput {
 public:
  // A vector made with its size has a block of just that, and operator new aligns for every fundamental type.
  AlignedInput(const uint8_t* data, size_t size) : bytes_(size) {
    if (size > 0) std::memcpy(bytes_.data(), data, size);
  }
  std::span<std::byte> bytes() { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace couponcast::fuzz

#endif  // COUPONCAST_FUZZ_ALIGNED_INPUT_H_
