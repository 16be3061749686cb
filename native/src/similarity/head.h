// The head: terms that so many documents hold that a dense product of bytes beats adding their postings.
#ifndef COUPONCAST_SIMILARITY_HEAD_H_
#define COUPONCAST_SIMILARITY_HEAD_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "couponcast/matrix.h"

namespace couponcast {

inline constexpr int kMaxQueryLevel = 127;  // of a byte with a sign
inline constexpr int kMaxTileLevel = 255;   // of one without

// Terms that are multiplied densely, the most frequent first.
struct Head {
  std::vector<int32_t> terms;
  std::vector<int32_t> slot;  // of each term: its place in `terms`, or -1
  int64_t width = 0;          // terms.size() rounded up to a multiple of 4
};

Head ChooseHead(const CsrView& terms, int64_t num_documents);

// Weights as levels of a byte: level * step, above 0 where the weight is.
class Levels {
 public:
  explicit Levels(int max_level) : max_level_(max_level) {}

  void Include(float weight) {
    largest_ = std::max(largest_, weight);
    whole_ = whole_ && weight == std::floor(weight);
  }
  // 1 where all weights are whole and small enough: nothing is rounded then.
  float Step() const {
    const auto levels = static_cast<float>(max_level_);
    if (whole_ && largest_ <= levels) return 1;
    return std::max(largest_ / levels, std::numeric_limits<float>::min());
  }

  static int Level(float weight, float step, int max_level) {
    if (!(weight > 0)) return 0;
    // In this order also what is no number, of a matrix that this way does not apply to, becomes a level.
    const float exact = std::min(static_cast<float>(max_level), weight / step);
    const int below = static_cast<int>(exact);
    return std::clamp(exact - static_cast<float>(below) < 0.5F ? below : below + 1, 1, max_level);
  }

 private:
  int max_level_;
  float largest_ = 0;
  bool whole_ = true;
};

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_HEAD_H_
