#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "couponcast/evaluation.h"

namespace couponcast {
namespace {

constexpr int kDigitBits = 11;
constexpr size_t kDigits = size_t{1} << kDigitBits;
constexpr size_t kRowsPerPoll = size_t{1} << 20;

// A key that ascends where the number descends. -0 and 0 are equal.
uint64_t DescendingKey(double score) {
  const auto bits = std::bit_cast<uint64_t>(score + 0.0);
  const uint64_t ascending = (bits >> 63) != 0 ? ~bits : bits | (uint64_t{1} << 63);
  return ~ascending;
}

}  // namespace

Status RankDescending(std::span<const double> scores, CancelFlag cancel, std::span<int32_t> order) {
  COUPONCAST_RETURN_IF_ERROR(CheckSize("order", order.size(), static_cast<int64_t>(scores.size())));
  if (scores.empty()) return {};
  COUPONCAST_RETURN_IF_ERROR(CheckCount("scores", static_cast<int64_t>(scores.size())));
  for (size_t i = 0; i < scores.size(); ++i) {
    if (!std::isfinite(scores[i])) return InvalidArgument("expected finite scores but the score of row " + std::to_string(i) + " is not");
    order[i] = static_cast<int32_t>(i);
  }
  // Stable, by digits from the lowest: equal scores stay in their order.
  std::vector<int32_t> next(order.size());
  std::span<int32_t> from = order;
  std::span<int32_t> to = next;
  for (int shift = 0; shift < 64; shift += kDigitBits) {
    const auto digit = [&](int32_t row) { return (DescendingKey(scores[static_cast<size_t>(row)]) >> shift) & (kDigits - 1); };
    std::vector<size_t> starts(kDigits + 1, 0);
    for (const int32_t row : from) ++starts[digit(row) + 1];
    if (std::ranges::find(starts, from.size()) != starts.end()) continue;  // one digit for all
    for (size_t d = 0; d < kDigits; ++d) starts[d + 1] += starts[d];
    for (size_t i = 0; i < from.size(); ++i) {
      if (i % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
      to[starts[digit(from[i])]++] = from[i];
    }
    std::swap(from, to);
  }
  if (from.data() != order.data()) std::ranges::copy(from, order.begin());
  return {};
}

}  // namespace couponcast
