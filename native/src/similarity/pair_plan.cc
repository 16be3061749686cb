// What is in the head and where it lies.
#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <string>

#include "similarity/check_pairs.h"
#include "similarity/pair_kinds.h"

namespace couponcast {
namespace {

constexpr int64_t kRowsPerPoll = 1024;
constexpr float kLargestExact = 1 << 24;  // whole numbers up to this are float32
constexpr int64_t kMaxRanks = 1 << 24;    // of a cell of the tail
constexpr int64_t kRowBytes = 64;
constexpr int64_t kHeadBytes = 12;  // of the head for each cell of the matrix, at most

// Nanoseconds, measured; their ratios are what counts.
constexpr double kRow = 7;     // a row of the head is added
constexpr double kMadd = 1.1;  // a cell of the tail is added
constexpr double kVisit = 8;   // a list of the tail is begun
constexpr double kMake = 10;   // a row of the head is filled

// Cells of a term in the ranks of each row, and behind the last.
using RowCells = std::array<int32_t, kMaxPairDepth + 1>;

// The cheapest depth for a term.
int32_t Depth(const RowCells& cells, int64_t degree, int64_t deepest) {
  auto behind = static_cast<double>(degree);
  double rows = 0;
  double least = behind * (behind - 1) / 2 * kMadd + behind * kVisit;
  int32_t best = 0;
  for (int32_t depth = 1; depth <= std::min(deepest, degree * kHeadBytes / kRowBytes); ++depth) {
    rows += behind * kRow + kMake;
    behind -= cells[static_cast<size_t>(depth - 1)];
    const double cost = rows + behind * (behind - 1) / 2 * kMadd + behind * kVisit;
    if (cost >= least) continue;
    least = cost;
    best = depth;
  }
  return best;
}

}  // namespace

Status OrderByDegree(const CsrView& documents, std::span<int32_t> order) {
  COUPONCAST_RETURN_IF_ERROR(CheckSize("order", order.size(), documents.rows));
  std::vector<uint64_t> keys(order.size());
  for (size_t row = 0; row < keys.size(); ++row) {
    const auto degree = static_cast<uint64_t>(documents.degree(static_cast<int64_t>(row)));
    keys[row] = (~degree << 32U) | row;
  }
  std::ranges::sort(keys);
  for (size_t rank = 0; rank < keys.size(); ++rank) order[rank] = static_cast<int32_t>(keys[rank] & 0xFFFF'FFFFU);
  return {};
}

Status LargestWhole(const CsrView& documents, const DocumentWeights& weights, RowRange range, CancelFlag cancel, int32_t* largest) {
  COUPONCAST_RETURN_IF_ERROR(CheckWeights(documents, weights));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, documents.rows));
  *largest = 0;
  if (weights.params.weighting != Weighting::kCosine || documents.rows > kMaxRanks) return {};
  float most = 0;
  for (int64_t row = range.begin; row < range.end; ++row) {
    if ((row - range.begin) % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    float squares = 0;
    bool whole = true;
    for (const float value : documents.row_values(row)) {
      whole = whole && WholePairs::Applies(value, kLargestWholePair);
      most = std::max(most, value);
      squares += value * value;
    }
    if (!whole || squares >= kLargestExact) return {};
  }
  *largest = static_cast<int32_t>(most);
  return {};
}

Status PlanPairs(const CsrView& documents, const CsrView& terms, std::span<const int32_t> order, int32_t largest, int64_t strip_ranks,
                 RowRange range, CancelFlag cancel, std::span<PairLists::Place> sizes) {
  COUPONCAST_RETURN_IF_ERROR(CheckTransposed(documents, terms));
  COUPONCAST_RETURN_IF_ERROR(CheckOrder(order, documents.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, terms.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("sizes", sizes.size(), range.size()));
  if (strip_ranks < 0 || strip_ranks > documents.rows || (largest > 0 && strip_ranks > 0)) {
    return InvalidArgument("expected ranks of the strip where there are some but received " + std::to_string(strip_ranks));
  }
  if (largest == 0) {
    for (int64_t term = range.begin; term < range.end; ++term) {
      sizes[static_cast<size_t>(term - range.begin)] = {0, static_cast<int32_t>(terms.degree(term))};
    }
    for (const int32_t document : order.first(static_cast<size_t>(strip_ranks))) {
      const auto cells = documents.row_indices(document);
      for (auto cell = std::ranges::lower_bound(cells, range.begin); cell != cells.end() && *cell < range.end; ++cell) {
        int32_t& size = sizes[static_cast<size_t>(*cell - range.begin)].cell;
        size = std::max(size - 1, 0);  // a file's two orientations may differ
      }
    }
    const auto spare = static_cast<int32_t>(PairListSpare(largest, documents.rows));
    for (PairLists::Place& size : sizes) size.cell += spare;
    return {};
  }
  const std::vector<int32_t> ranks = RanksOf(order);
  const auto row_ranks = static_cast<int32_t>(PairLayoutOf(largest).row_ranks);
  const int64_t deepest = std::min(kMaxPairDepth, (documents.rows + row_ranks - 1) / row_ranks);
  for (int64_t term = range.begin; term < range.end; ++term) {
    if ((term - range.begin) % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    RowCells cells{};
    for (const int32_t document : terms.row_indices(term)) {
      ++cells[static_cast<size_t>(std::min<int32_t>(kMaxPairDepth, ranks[static_cast<size_t>(document)] / row_ranks))];
    }
    const int32_t depth = Depth(cells, terms.degree(term), deepest);
    sizes[static_cast<size_t>(term - range.begin)] = {depth, std::accumulate(cells.begin() + depth, cells.end(), 0)};
  }
  return {};
}

Status SumPairPlaces(std::span<PairLists::Place> places) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  int64_t rows = 0;
  int64_t cells = 0;
  for (auto& [row, cell] : places) {
    rows += row;
    cells += cell;
    if (row < 0 || cell < 0 || rows > kMost || cells > kMost) return InvalidArgument("expected sizes of terms whose sums are below 2^31");
    row = static_cast<int32_t>(rows);
    cell = static_cast<int32_t>(cells);
  }
  return {};
}

}  // namespace couponcast
