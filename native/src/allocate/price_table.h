// Prices of constraints as prices of cells, and the reduced values of candidates under them.
#ifndef COUPONCAST_ALLOCATE_PRICE_TABLE_H_
#define COUPONCAST_ALLOCATE_PRICE_TABLE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "couponcast/allocate.h"

namespace couponcast {

// By cell: what a piece, a milli of cost and a milli of face value cost at the prices.
struct PriceTable {
  std::vector<double> piece;
  std::vector<double> cost;
  std::vector<double> face;  // empty where the candidates have none
};

PriceTable MakePriceTable(const AllocationProblem& problem, std::span<const double> prices);
// How far the sum of prices of a cell can move: floors count like limits.
PriceTable MakeRadiusTable(const AllocationProblem& problem, std::span<const double> radius);

// Candidates in a row: cells within the table.
struct CandidateSpan {
  const int32_t* cells;
  const int64_t* value;
  const int64_t* cost;
  const int64_t* face;  // null: all 0
  int64_t size;
};

// w[i] = ((value - price.cost cost) - price.piece) - price.face face; the value is left out where `ignore_value`.
void ReducedValues(const PriceTable& table, const CandidateSpan& candidates, bool ignore_value, double* w);
// r[i] = (radius.cost cost + radius.piece) + radius.face face.
void ReducedRadii(const PriceTable& table, const CandidateSpan& candidates, double* r);

// Lengths of all arrays, the rules and the scalars: O(cells).
Status CheckRules(const AllocationProblem& problem);
Status CheckPrices(const AllocationProblem& problem, std::span<const double> prices);

inline size_t FirstPlace(const AllocationProblem& problem, int64_t user) { return static_cast<size_t>(user * problem.width); }
// One behind the last used place.
inline size_t EndPlace(const AllocationProblem& problem, int64_t user) {
  return static_cast<size_t>(user * problem.width + problem.counts[static_cast<size_t>(user)]);
}
inline int32_t FirstCell(const AllocationProblem& problem, int64_t user) {
  return problem.user_class.empty() ? 0 : static_cast<int32_t>(problem.user_class[static_cast<size_t>(user)] * problem.num_coupons());
}
inline int64_t MeasureOf(const AllocationProblem& problem, size_t constraint, int64_t cost, int64_t face) {
  const auto measure = static_cast<Measure>(problem.measure[constraint]);
  return measure == Measure::kPieces ? 1 : measure == Measure::kCost ? cost : face;
}
inline std::span<const int32_t> ConstraintsOf(const AllocationProblem& problem, int32_t cell) {
  const auto begin = static_cast<size_t>(problem.cell_indptr[static_cast<size_t>(cell)]);
  return problem.cell_constraints.subspan(begin, static_cast<size_t>(problem.cell_indptr[static_cast<size_t>(cell) + 1]) - begin);
}

// What chosen candidates add up to by cell, and from that by constraint.
class CellTotals {
 public:
  explicit CellTotals(const AllocationProblem& problem);
  void Clear();
  void Add(int32_t cell, int64_t cost, int64_t face) {
    const auto at = static_cast<size_t>(cell);
    ++pieces_[at];
    cost_[at] += cost;
    if (!face_.empty()) face_[at] += face;
  }
  void AddTo(const AllocationProblem& problem, std::span<int64_t> usage) const;

 private:
  std::vector<int64_t> pieces_;
  std::vector<int64_t> cost_;
  std::vector<int64_t> face_;
};

}  // namespace couponcast

#endif  // COUPONCAST_ALLOCATE_PRICE_TABLE_H_
