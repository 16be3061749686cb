#include "allocate/dual_function.h"

#include <algorithm>

namespace couponcast {
namespace {

constexpr size_t kUnitsPerPoll = 4096;
constexpr size_t kPlacesPerBlock = 4096;  // reduced values of a block stay in the nearest caches

}  // namespace

Status DualFunction::Gather(const AllocationUnits& units) { return GatherUnits(problem_, units, cancel_, &table_); }

void DualFunction::PriceOut(std::vector<double>* prices) const {
  const auto free_of_charge = [&](size_t r) { return task_.limit[r] == 0 && problem_.floor[r] == 0; };
  bool any = false;
  for (size_t r = 0; r < dims(); ++r) any |= free_of_charge(r);
  if (!any || task_.ignore_value) return;
  for (size_t at = 0; at < table_.cells.size(); ++at) {
    for (const int32_t constraint : ConstraintsOf(problem_, table_.cells[at])) {
      const auto r = static_cast<size_t>(constraint);
      const int64_t counted = MeasureOf(problem_, r, table_.cost[at], table_.FaceAt(at));
      if (!free_of_charge(r) || counted == 0) continue;
      const double price = static_cast<double>(table_.value[at]) / static_cast<double>(counted);
      (*prices)[r] = std::min(task_.upper[r], std::max((*prices)[r], price));
    }
  }
}

// Visits the places of the best responses, with their reduced values.
template <typename Visit>
Status DualFunction::EachChosen(std::span<const double> prices, bool list_changes, Visit&& visit) {
  const PriceTable table = MakePriceTable(problem_, prices);
  const CandidateSpan all = table_.All();
  changes_.clear();
  size_t until_poll = 0;
  for (size_t first = 0; first < table_.units();) {
    const size_t begin = table_.indptr[first];
    rows_.clear();
    size_t last = first;
    while (last < table_.units() && (last == first || table_.indptr[last + 1] - begin <= kPlacesPerBlock)) {
      rows_.push_back(
          {static_cast<int64_t>(table_.indptr[last] - begin), static_cast<int64_t>(table_.indptr[last + 1] - table_.indptr[last])});
      ++last;
    }
    if (until_poll < rows_.size()) {
      if (cancel_.IsSet()) return Cancelled();
      until_poll = kUnitsPerPoll;
    } else {
      until_poll -= rows_.size();
    }
    w_.resize(table_.indptr[last] - begin);
    ReducedValues(table,
                  {all.cells + begin, all.value + begin, all.cost + begin, all.face == nullptr ? nullptr : all.face + begin,
                   static_cast<int64_t>(w_.size())},
                  task_.ignore_value, w_.data());
    choice_.one() ? EachOfOne(begin, list_changes, visit) : EachOfSome(begin, list_changes, visit);
    first = last;
  }
  return {};
}

template <typename Visit>
void DualFunction::EachOfOne(size_t begin, bool list_changes, Visit&& visit) {
  two_.resize(rows_.size());
  FindBestTwo(w_, rows_, two_.data());
  for (size_t row = 0; row < rows_.size(); ++row) {
    const auto first = static_cast<size_t>(rows_[row].begin);
    if (two_[row].best >= 0) {
      const size_t at = first + static_cast<size_t>(two_[row].best);
      visit(begin + at, w_[at]);
    }
    if (list_changes) ListChange(begin + first, UnitChoice::NearestOf(RowAt(row), two_[row]));
  }
}

template <typename Visit>
void DualFunction::EachOfSome(size_t begin, bool list_changes, Visit&& visit) {
  const auto coupons = static_cast<int32_t>(problem_.num_coupons());
  for (size_t row = 0; row < rows_.size(); ++row) {
    const size_t first = begin + static_cast<size_t>(rows_[row].begin);
    const std::span<const double> w = RowAt(row);
    const auto coupon_at = [&](size_t place) { return table_.cells[first + place] % coupons; };
    for (const size_t place : choice_.Choose(w, coupon_at)) visit(first + place, w[place]);
    if (list_changes) ListChange(first, choice_.Nearest(w, coupon_at));
  }
}

void DualFunction::ListChange(size_t first, const UnitChoice::Change& change) {
  if (change.add == UnitChoice::kNone && change.remove == UnitChoice::kNone) return;
  const auto place = [&](size_t of) { return of == UnitChoice::kNone ? of : first + of; };
  changes_.push_back({change.margin, place(change.add), place(change.remove)});
}

Status DualFunction::Evaluate(size_t near, DualPoint* point) {
  if (cancel_.IsSet()) return Cancelled();
  totals_.Clear();
  double surplus = 0;
  COUPONCAST_RETURN_IF_ERROR(EachChosen(point->prices, near > 0, [&](size_t at, double w) {
    surplus += w;
    totals_.Add(table_.cells[at], table_.cost[at], table_.FaceAt(at));
  }));
  point->usage.assign(dims(), 0);
  totals_.AddTo(problem_, point->usage);
  point->slack.resize(dims());
  point->dual = task_.constant + surplus;
  for (size_t r = 0; r < dims(); ++r) {
    const double sign = problem_.floor[r] != 0 ? -1 : 1;
    point->slack[r] = sign * (task_.limit[r] - static_cast<double>(point->usage[r]));
    point->dual += sign * task_.limit[r] * point->prices[r];
  }
  point->curvature.clear();
  if (near > 0) AddCurvature(near, &point->curvature);
  ++evaluations_;
  return {};
}

// Where prices move so that a change gains d, those of a margin below d make it: with a density of count / (2 width) a
// unit of margin (a change is counted from both of its sides), the sum of a a' times that, a being what it moves.
void DualFunction::AddCurvature(size_t near, std::vector<double>* curvature) {
  curvature->assign(dims() * dims(), 0.0);
  if (changes_.empty()) return;
  margins_.clear();
  for (const Change& change : changes_) margins_.push_back(change.margin);
  const size_t count = std::min(near, margins_.size());
  std::nth_element(margins_.begin(), margins_.begin() + static_cast<std::ptrdiff_t>(count - 1), margins_.end());
  const double width = margins_[count - 1];
  if (!(width > 0)) return;
  struct Part {
    size_t constraint;
    double moved;
  };
  std::vector<Part> parts;
  for (const Change& change : changes_) {
    if (change.margin > width) continue;
    parts.clear();
    for (const auto& [at, times] : {std::pair{change.add, 1}, std::pair{change.remove, -1}}) {
      if (at == UnitChoice::kNone) continue;
      for (const int32_t constraint : ConstraintsOf(problem_, table_.cells[at])) {
        const auto r = static_cast<size_t>(constraint);
        const auto counted = static_cast<double>(MeasureOf(problem_, r, table_.cost[at], table_.FaceAt(at)));
        const auto same = std::ranges::find(parts, r, &Part::constraint);
        const double moved = (problem_.floor[r] != 0 ? -times : times) * counted;
        if (same == parts.end()) {
          parts.push_back({r, moved});
        } else {
          same->moved += moved;
        }
      }
    }
    for (const Part& a : parts) {
      for (const Part& b : parts) (*curvature)[a.constraint * dims() + b.constraint] += a.moved * b.moved;
    }
  }
  for (double& entry : *curvature) entry /= 2 * width;
}

Status DualFunction::Choose(std::span<const double> prices, std::span<uint8_t> chosen) {
  for (const int64_t place : table_.places) chosen[static_cast<size_t>(place)] = 0;
  return EachChosen(prices, false, [&](size_t at, double) { chosen[static_cast<size_t>(table_.places[at])] = 1; });
}

}  // namespace couponcast
