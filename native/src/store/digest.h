// XXH3-64, streamed.
#ifndef COUPONCAST_STORE_DIGEST_H_
#define COUPONCAST_STORE_DIGEST_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace couponcast {

class Digest {
 public:
  Digest();
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  void Update(std::span<const std::byte> bytes);
  // 16 lower-case hexadecimal digits of all bytes so far.
  std::string Hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace couponcast

#endif  // COUPONCAST_STORE_DIGEST_H_
