// The candidates of some units, side by side in memory.
#ifndef COUPONCAST_ALLOCATE_UNIT_TABLE_H_
#define COUPONCAST_ALLOCATE_UNIT_TABLE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "allocate/price_table.h"
#include "couponcast/allocate.h"

namespace couponcast {

struct UnitTable {
  std::vector<size_t> indptr;  // [units + 1]
  std::vector<int32_t> cells;
  std::vector<int64_t> value;
  std::vector<int64_t> cost;
  std::vector<int64_t> face;    // empty where the problem has none
  std::vector<int64_t> places;  // in the problem

  size_t units() const { return indptr.size() - 1; }
  CandidateSpan All() const {
    return {cells.data(), value.data(), cost.data(), face.empty() ? nullptr : face.data(), static_cast<int64_t>(cells.size())};
  }
  int64_t FaceAt(size_t at) const { return face.empty() ? 0 : face[at]; }
};

// Checks the units and gathers their candidates, members in order. Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status GatherUnits(const AllocationProblem& problem, const AllocationUnits& units, CancelFlag cancel, UnitTable* table);

// Checks indptr and members. Errors: kInvalidArgument, kOutOfRange.
Status CheckUnits(const AllocationProblem& problem, const AllocationUnits& units);

}  // namespace couponcast

#endif  // COUPONCAST_ALLOCATE_UNIT_TABLE_H_
