// Exact search for the largest products with vectors: the longest vectors come first, so that a query stops as soon as none
// of the lengths that are left could reach what it has.
#ifndef COUPONCAST_FACTOR_FACTOR_TILES_H_
#define COUPONCAST_FACTOR_FACTOR_TILES_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/top_k.h"
#include "couponcast/kernel.h"
#include "couponcast/status.h"
#include "factor/score_tile.h"

namespace couponcast {

// Euclidean length, in float64.
double FactorNorm(const float* row, int64_t factors);

class FactorTiles {
 public:
  // rows [n * factors], finite; `allowed` [n], 0 keeps a row out; empty: all. Memory: a copy of the rows.
  FactorTiles(std::span<const float> rows, int64_t factors, std::span<const uint8_t> allowed);

  // Whether all rows are: no search otherwise.
  bool finite() const { return finite_; }

  // For each query the k rows with the largest products > 0, but for those that `refused(query, row)` names, into its `best`.
  // A product is the sum in the order of the factors, in float32. queries: pointers to `factors` numbers each.
  // Errors: kCancelled.
  template <typename Refused>
  Status Search(std::span<const float* const> queries, std::span<TopK> best, CancelFlag cancel, Refused&& refused) const {
    std::vector<Query> active;
    for (size_t q = 0; q < queries.size(); ++q) {
      best[q].Reset(std::numeric_limits<float>::denorm_min());
      active.push_back({q, FactorNorm(queries[q], factors_)});
    }
    std::array<float, kTileQueries * kTileItems> scores;
    for (size_t tile = 0; tile < longest_.size(); ++tile) {
      if (cancel.IsSet()) return Cancelled();
      std::erase_if(active, [&](const Query& query) { return Bound(query, tile) < static_cast<double>(best[query.number].threshold()); });
      if (active.empty()) return {};
      for (size_t begin = 0; begin < active.size(); begin += kTileQueries) {
        const size_t count = std::min<size_t>(kTileQueries, active.size() - begin);
        std::array<const float*, kTileQueries> group;
        std::array<float, kTileQueries> thresholds;
        std::array<uint64_t, kTileQueries> hits;
        for (size_t i = 0; i < count; ++i) {
          group[i] = queries[active[begin + i].number];
          thresholds[i] = best[active[begin + i].number].threshold();
        }
        const float* data = tiles_.data() + static_cast<int64_t>(tile) * factors_ * kTileItems;
        ScoreTile(group.data(), static_cast<int64_t>(count), factors_, data, thresholds.data(), scores.data(), hits.data());
        for (size_t i = 0; i < count; ++i) {
          const size_t number = active[begin + i].number;
          for (uint64_t left = hits[i]; left != 0; left &= left - 1) {
            const auto at = static_cast<size_t>(std::countr_zero(left));
            const int32_t row = order_[tile * kTileItems + at];
            const float score = scores[i * kTileItems + at];
            // What was reached meanwhile may be more than the threshold that the tile was compared with.
            if (row >= 0 && score >= best[number].threshold() && !refused(number, row)) best[number].PushUnordered(score, row);
          }
        }
      }
    }
    return {};
  }

 private:
  struct Query {
    size_t number;
    double norm;
  };

  // No product of the query with a row from this tile on is larger, rounding included.
  double Bound(const Query& query, size_t tile) const { return query.norm * longest_[tile] * 1.0001 + 1e-40; }

  int64_t factors_;
  bool finite_ = true;
  std::vector<int32_t> order_;   // row at each place of the tiles, -1 beyond the last
  std::vector<double> longest_;  // length of the first row of each tile
  std::vector<float> tiles_;     // [tiles * factors * kTileItems]
};

}  // namespace couponcast

#endif  // COUPONCAST_FACTOR_FACTOR_TILES_H_
