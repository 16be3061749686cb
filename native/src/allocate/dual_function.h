// The dual function of some units: its value, a subgradient, and how the subgradient changes nearby.
#ifndef COUPONCAST_ALLOCATE_DUAL_FUNCTION_H_
#define COUPONCAST_ALLOCATE_DUAL_FUNCTION_H_

#include <cstdint>
#include <span>
#include <vector>

#include "allocate/price_table.h"
#include "allocate/unit_choice.h"
#include "allocate/unit_table.h"
#include "couponcast/allocate.h"

namespace couponcast {

// The function at some prices.
struct DualPoint {
  std::vector<double> prices;
  double dual = 0;
  std::vector<double> slack;      // a subgradient
  std::vector<double> curvature;  // [dims * dims] second derivatives of the function smoothed over nearby prices; or empty
  std::vector<int64_t> usage;     // of the best responses
};

class DualFunction {
 public:
  DualFunction(const AllocationProblem& problem, const DualTask& task, CancelFlag cancel)
      : problem_(problem), task_(task), cancel_(cancel), totals_(problem), choice_(problem) {}

  Status Gather(const AllocationUnits& units);
  size_t units() const { return table_.units(); }
  size_t dims() const { return task_.limit.size(); }
  int64_t evaluations() const { return evaluations_; }

  // A limit of 0 costs nothing to price: so high that nothing it counts is worth having.
  void PriceOut(std::vector<double>* prices) const;

  // Evaluates at point->prices. With near > 0 also the curvature: from the `near` units whose choice changes soonest.
  Status Evaluate(size_t near, DualPoint* point);

  // Best responses of the units at their places.
  Status Choose(std::span<const double> prices, std::span<uint8_t> chosen);

 private:
  // The change of a unit's choice that costs the least, at places of the table.
  struct Change {
    double margin;
    size_t add;
    size_t remove;
  };

  template <typename Visit>
  Status EachChosen(std::span<const double> prices, bool list_changes, Visit&& visit);
  template <typename Visit>
  void EachOfOne(size_t begin, bool list_changes, Visit&& visit);
  template <typename Visit>
  void EachOfSome(size_t begin, bool list_changes, Visit&& visit);
  std::span<const double> RowAt(size_t row) const {
    return std::span<const double>(w_).subspan(static_cast<size_t>(rows_[row].begin), static_cast<size_t>(rows_[row].size));
  }
  void ListChange(size_t first, const UnitChoice::Change& change);
  void AddCurvature(size_t near, std::vector<double>* curvature);

  const AllocationProblem& problem_;
  const DualTask& task_;
  CancelFlag cancel_;
  UnitTable table_;
  std::vector<double> w_;  // of a block of units
  CellTotals totals_;
  UnitChoice choice_;
  std::vector<RowOfValues> rows_;  // the units of a block within w_
  std::vector<BestTwo> two_;
  std::vector<Change> changes_;  // by unit
  std::vector<double> margins_;
  int64_t evaluations_ = 0;
};

}  // namespace couponcast

#endif  // COUPONCAST_ALLOCATE_DUAL_FUNCTION_H_
