#include <algorithm>
#include <functional>
#include <vector>

#include "allocate/unit_choice.h"
#include "allocate/unit_table.h"
#include "base/check.h"
#include "couponcast/allocate.h"

namespace couponcast {
namespace {

constexpr int64_t kNodesPerPoll = 4096;

// Candidates that count for some floor, unit by unit: no other helps to reach one. Each is taken or not, depth first.
class FloorSearch {
 public:
  FloorSearch(const AllocationProblem& problem, const UnitTable& table, std::span<const int64_t> left)
      : problem_(problem), table_(table), left_(left.begin(), left.end()), caps_(problem) {
    for (size_t r = 0; r < left_.size(); ++r) {
      if (problem.floor[r] != 0) floors_.push_back(r);
    }
    for (size_t unit = 0; unit < table.units(); ++unit) {
      for (size_t at = table.indptr[unit]; at < table.indptr[unit + 1]; ++at) {
        if (Counts(at)) items_.push_back({unit, at});
      }
    }
  }

  Status Run(int64_t max_nodes, CancelFlag cancel, FeasibilitySearch* search) {
    ListMost();
    std::vector<uint8_t> taken(items_.size(), 0);
    size_t depth = 0;
    for (search->nodes = 0; search->nodes < max_nodes; ++search->nodes) {
      if (search->nodes % kNodesPerPoll == 0 && cancel.IsSet()) return Cancelled();
      if (Reached()) {
        search->found = search->exhausted = true;
        for (size_t i = 0; i < depth; ++i) {
          if (taken[i] != 0) found_.push_back(items_[i].at);
        }
        return {};
      }
      if (depth < items_.size() && CanReach(depth)) {
        taken[depth] = Take(depth) ? 1 : 0;
        ++depth;
        continue;
      }
      // Back to the last that was taken, and on without it.
      while (depth > 0 && taken[depth - 1] == 0) --depth;
      if (depth == 0) {
        search->exhausted = true;
        return {};
      }
      --depth;
      taken[depth] = 0;
      Use(items_[depth].at, -1);
      ++depth;
    }
    return {};
  }

  const std::vector<size_t>& found() const { return found_; }
  size_t cells() const { return floors_.size() * items_.size(); }

 private:
  struct Item {
    size_t unit;
    size_t at;
  };

  int64_t MeasureAt(size_t constraint, size_t at) const { return MeasureOf(problem_, constraint, table_.cost[at], table_.FaceAt(at)); }
  bool IsIn(size_t constraint, size_t at) const {
    return std::ranges::find(ConstraintsOf(problem_, table_.cells[at]), static_cast<int32_t>(constraint)) !=
           ConstraintsOf(problem_, table_.cells[at]).end();
  }
  bool Counts(size_t at) const {
    return std::ranges::any_of(floors_, [&](size_t r) { return IsIn(r, at) && MeasureAt(r, at) > 0; });
  }

  // For each item and floor what it and those behind it count at most, by the coupons that a unit may hold.
  void ListMost() {
    most_.assign((items_.size() + 1) * floors_.size(), 0);
    std::vector<int64_t> measures;
    for (size_t f = 0; f < floors_.size(); ++f) {
      int64_t behind = 0;
      for (size_t end = items_.size(); end > 0;) {
        const size_t unit = items_[end - 1].unit;
        measures.clear();
        size_t i = end;
        int64_t most = 0;
        for (; i > 0 && items_[i - 1].unit == unit; --i) {
          const int64_t measure = IsIn(floors_[f], items_[i - 1].at) ? MeasureAt(floors_[f], items_[i - 1].at) : 0;
          measures.insert(std::ranges::upper_bound(measures, measure, std::greater()), measure);
          most += measure;
          if (static_cast<int64_t>(measures.size()) > problem_.per_user) {
            most -= measures.back();
            measures.pop_back();
          }
          most_[(i - 1) * floors_.size() + f] = behind + most;
        }
        behind += most;
        end = i;
      }
    }
  }

  bool Reached() const {
    return std::ranges::all_of(floors_, [&](size_t r) { return left_[r] >= 0; });
  }
  bool CanReach(size_t depth) const {
    for (size_t f = 0; f < floors_.size(); ++f) {
      if (left_[floors_[f]] + most_[depth * floors_.size() + f] < 0) return false;
    }
    return true;
  }

  // Takes the item unless that breaks a limit or a cap.
  bool Take(size_t depth) {
    const auto [unit, at] = items_[depth];
    const auto coupons = static_cast<int32_t>(problem_.num_coupons());
    caps_.Clear();
    for (size_t h = held_.size(); h > 0 && held_[h - 1] >= table_.indptr[unit]; --h) caps_.Add(table_.cells[held_[h - 1]] % coupons);
    if (caps_.Reached(table_.cells[at] % coupons) != CapUse::kNone) return false;
    for (const int32_t constraint : ConstraintsOf(problem_, table_.cells[at])) {
      const auto r = static_cast<size_t>(constraint);
      if (problem_.floor[r] == 0 && left_[r] < MeasureAt(r, at)) return false;
    }
    Use(at, 1);
    return true;
  }

  // Items are taken in order and given back in reverse.
  void Use(size_t at, int64_t times) {
    for (const int32_t constraint : ConstraintsOf(problem_, table_.cells[at])) {
      const auto r = static_cast<size_t>(constraint);
      const int64_t used = times * MeasureAt(r, at);
      left_[r] += problem_.floor[r] != 0 ? used : -used;
    }
    if (times > 0) {
      held_.push_back(at);
    } else {
      held_.pop_back();
    }
  }

  const AllocationProblem& problem_;
  const UnitTable& table_;
  std::vector<int64_t> left_;
  CapUse caps_;
  std::vector<size_t> floors_;
  std::vector<Item> items_;
  std::vector<int64_t> most_;  // [items + 1, floors]
  std::vector<size_t> held_;
  std::vector<size_t> found_;
};

}  // namespace

Status FindFeasible(const AllocationProblem& problem, const AllocationUnits& units, int64_t max_nodes, CancelFlag cancel,
                    std::span<uint8_t> chosen, FeasibilitySearch* search) {
  COUPONCAST_RETURN_IF_ERROR(CheckRules(problem));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("chosen", chosen.size(), problem.users * problem.width));
  *search = {};
  UnitTable table;
  COUPONCAST_RETURN_IF_ERROR(GatherUnits(problem, units, cancel, &table));
  std::vector<int64_t> left(problem.limit.begin(), problem.limit.end());
  for (size_t r = 0; r < left.size(); ++r) left[r] = problem.floor[r] != 0 ? -left[r] : left[r];
  FloorSearch floors(problem, table, left);
  if (floors.cells() > kMaxSearchCells) return {};
  COUPONCAST_RETURN_IF_ERROR(floors.Run(max_nodes, cancel, search));
  if (!search->found) return {};
  std::ranges::fill(chosen, uint8_t{0});
  for (const size_t at : floors.found()) chosen[static_cast<size_t>(table.places[at])] = 1;
  return {};
}

}  // namespace couponcast
