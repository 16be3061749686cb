// The best of scores that lie one behind the other, in any order of their items.
#ifndef COUPONCAST_RECOMMEND_BEST_SCORES_H_
#define COUPONCAST_RECOMMEND_BEST_SCORES_H_

#include <cstdint>
#include <span>
#include <vector>

#include "couponcast/scored_index.h"

namespace couponcast {

inline constexpr int64_t kScoreBlock = 64;  // what reads scores may read up to a multiple of

inline int64_t PaddedScores(int64_t count) { return (count + kScoreBlock - 1) / kScoreBlock * kScoreBlock; }

class BestScores {
 public:
  explicit BestScores(int64_t k) : k_(k) {}

  // The k best of scores above 0, best first, of equal scores the smaller item. scores [PaddedScores(count)], 0 from `count`
  // on; items [count], those of scores above 0 distinct, or empty: the positions. Valid until the next call.
  std::span<const ScoredIndex> Of(std::span<const float> scores, std::span<const int32_t> items);

 private:
  float LowerBound(std::span<const float> scores);

  int64_t k_;
  std::vector<float> maxima_;
  std::vector<float> taken_;
  std::vector<int32_t> places_;
  std::vector<uint64_t> keys_;
  std::vector<ScoredIndex> best_;
};

}  // namespace couponcast

#endif  // COUPONCAST_RECOMMEND_BEST_SCORES_H_
