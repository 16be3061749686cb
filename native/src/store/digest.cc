#include "store/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <cstdint>

namespace couponcast {

struct Digest::State {
  XXH3_state_t xxh3;
};

Digest::Digest() : state_(std::make_unique<State>()) { XXH3_64bits_reset(&state_->xxh3); }
Digest::~Digest() = default;

void Digest::Update(std::span<const std::byte> bytes) { XXH3_64bits_update(&state_->xxh3, bytes.data(), bytes.size()); }

std::string Digest::Hex() const {
  static constexpr std::array<char, 16> kDigits = {'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};
  const uint64_t hash = XXH3_64bits_digest(&state_->xxh3);
  std::string hex(16, '0');
  for (size_t i = 0; i < 16; ++i) hex[i] = kDigits[(hash >> (60 - 4 * i)) & 15];
  return hex;
}

}  // namespace couponcast
