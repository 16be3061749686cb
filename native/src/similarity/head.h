// The head: terms that so many documents hold that a dense product of bytes beats adding their postings.
#ifndef COUPONCAST_SIMILARITY_HEAD_H_
#define COUPONCAST_SIMILARITY_HEAD_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "couponcast/matrix.h"
#include "similarity/head_tile.h"

namespace couponcast {

// Whole weights up to these are multiplied as bytes, a query's with a sign and a tile's without: nothing is rounded then.
inline constexpr float kMaxQueryByte = 127;
inline constexpr float kMaxTileByte = 255;

// Terms that are multiplied densely, the most frequent first.
struct Head {
  std::vector<int32_t> terms;
  std::vector<int32_t> slot;  // of each term: its place in `terms`, or -1
  int64_t width = 0;          // terms.size() rounded up to a multiple of 4
};

Head ChooseHead(const CsrView& terms, int64_t num_documents);

inline bool IsByte(float weight, float largest) { return weight >= 0 && weight <= largest && weight == std::floor(weight); }

// Other weights as levels of 13 bits: level * step, above 0 where the weight is.
class Levels {
 public:
  static constexpr int kMax = kMaxWideLevel;

  void Include(float weight) {
    largest_ = std::max(largest_, weight);
    whole_ = whole_ && weight == std::floor(weight);
  }
  // 1 where all weights are whole and small enough: nothing is rounded then.
  float Step() const {
    if (whole_ && largest_ <= kMax) return 1;
    return std::max(largest_ / kMax, std::numeric_limits<float>::min());
  }

  static int16_t Level(float weight, float step) {
    if (!(weight > 0)) return 0;
    // In this order also what is no number, of a matrix that this way does not apply to, becomes a level.
    const float exact = std::min(static_cast<float>(kMax), weight / step);
    const int below = static_cast<int>(exact);
    return static_cast<int16_t>(std::clamp(exact - static_cast<float>(below) < 0.5F ? below : below + 1, 1, kMax));
  }

 private:
  float largest_ = 0;
  bool whole_ = true;
};

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_HEAD_H_
