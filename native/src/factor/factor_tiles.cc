#include "factor/factor_tiles.h"

#include <algorithm>
#include <cmath>

namespace couponcast {

double FactorNorm(const float* row, int64_t factors) {
  double sum = 0;
  for (int64_t k = 0; k < factors; ++k) sum += static_cast<double>(row[k]) * static_cast<double>(row[k]);
  return std::sqrt(sum);
}

FactorTiles::FactorTiles(std::span<const float> rows, int64_t factors, std::span<const uint8_t> allowed) : factors_(factors) {
  const auto count = static_cast<int32_t>(std::ssize(rows) / factors);
  std::vector<double> norms(static_cast<size_t>(count));
  for (int32_t row = 0; row < count; ++row) {
    if (!allowed.empty() && allowed[static_cast<size_t>(row)] == 0) continue;
    norms[static_cast<size_t>(row)] = FactorNorm(rows.data() + row * factors, factors);
    order_.push_back(row);
    finite_ = finite_ && std::isfinite(norms[static_cast<size_t>(row)]);
  }
  if (!finite_) return;
  std::ranges::sort(order_, [&](int32_t a, int32_t b) {
    const double first = norms[static_cast<size_t>(a)];
    const double second = norms[static_cast<size_t>(b)];
    return first > second || (first == second && a < b);
  });
  const size_t tiles = (order_.size() + kTileItems - 1) / kTileItems;
  for (size_t tile = 0; tile < tiles; ++tile) longest_.push_back(norms[static_cast<size_t>(order_[tile * kTileItems])]);
  order_.resize(tiles * kTileItems, -1);
  tiles_.assign(order_.size() * static_cast<size_t>(factors), 0.0F);
  for (size_t place = 0; place < order_.size(); ++place) {
    if (order_[place] < 0) continue;
    const float* row = rows.data() + static_cast<int64_t>(order_[place]) * factors;
    float* lane = tiles_.data() + place / kTileItems * static_cast<size_t>(factors * kTileItems) + place % kTileItems;
    for (int64_t k = 0; k < factors; ++k) lane[k * kTileItems] = row[k];
  }
}

}  // namespace couponcast
