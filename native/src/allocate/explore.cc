#include "couponcast/explore.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <vector>

#include "allocate/price_table.h"
#include "allocate/set_distribution.h"
#include "base/check.h"

namespace couponcast {
namespace {

constexpr int64_t kUnitsPerPoll = 512;

Status CheckChances(const AllocationProblem& problem, const SetChances& chances) {
  COUPONCAST_RETURN_IF_ERROR(CheckPrices(problem, chances.prices));
  if (!(chances.temperature > 0) || !(chances.temperature <= static_cast<double>(kMaxCandidateMilli)))
    return InvalidArgument("expected a temperature above 0 and at most 1e11 thousandths");
  if (!(chances.keep >= 0) || !(chances.keep <= 1)) return InvalidArgument("expected a share to keep within 0 and 1");
  return {};
}

// The places of one unit after the other.
class Units {
 public:
  Units(const AllocationProblem& problem, const AllocationUnits& units) : problem_(problem), units_(units) {}

  static int64_t Count(const AllocationProblem& problem, const AllocationUnits& units) {
    return units.members.empty() ? problem.users : units.size();
  }

  void Load(int64_t unit) {
    users_.clear();
    places_.clear();
    coupons_.clear();
    cells_.clear();
    if (units_.members.empty()) {
      Append(unit);
    } else if (units_.indptr.empty()) {
      Append(units_.members[static_cast<size_t>(unit)]);
    } else {
      for (auto m = units_.indptr[static_cast<size_t>(unit)]; m < units_.indptr[static_cast<size_t>(unit) + 1]; ++m)
        Append(units_.members[static_cast<size_t>(m)]);
    }
  }

  std::span<const int64_t> users() const { return users_; }
  std::span<const size_t> places() const { return places_; }
  std::span<const int32_t> coupons() const { return coupons_; }
  std::span<const int32_t> cells() const { return cells_; }

 private:
  void Append(int64_t user) {
    users_.push_back(user);
    const int32_t first = FirstCell(problem_, user);
    for (size_t at = FirstPlace(problem_, user); at < EndPlace(problem_, user); ++at) {
      places_.push_back(at);
      coupons_.push_back(problem_.coupons[at]);
      cells_.push_back(first + problem_.coupons[at]);
    }
  }

  const AllocationProblem& problem_;
  const AllocationUnits& units_;
  std::vector<int64_t> users_;
  std::vector<size_t> places_;
  std::vector<int32_t> coupons_;
  std::vector<int32_t> cells_;
};

int64_t FaceAt(const AllocationProblem& problem, size_t place) { return problem.face.empty() ? 0 : problem.face[place]; }

// The sets of a unit under some chances.
class UnitSets {
 public:
  UnitSets(const AllocationProblem& problem, const SetChances& chances)
      : problem_(problem), chances_(chances), table_(MakePriceTable(problem, chances.prices)), sets_(problem) {}

  void Load(const Units& unit) {
    const size_t size = unit.places().size();
    x_.resize(size);
    for (size_t i = 0; i < size; ++i) {
      const size_t place = unit.places()[i];
      const auto cell = static_cast<size_t>(unit.cells()[i]);
      double w = chances_.ignore_value ? 0 : static_cast<double>(problem_.value[place]);
      w -= table_.cost[cell] * static_cast<double>(problem_.cost[place]);
      w -= table_.piece[cell];
      if (!problem_.face.empty()) w -= table_.face[cell] * static_cast<double>(problem_.face[place]);
      x_[i] = FitsAlone(place, unit.cells()[i]) ? w / chances_.temperature : -std::numeric_limits<double>::infinity();
    }
    sets_.Load(x_, unit.coupons());
    p_.resize(size);
  }

  SetDistribution& sets() { return sets_; }
  const SetChances& chances() const { return chances_; }
  std::span<const double> Marginals() {
    sets_.Marginals(p_);
    return p_;
  }
  double Probability(std::span<const size_t> set) const {
    const double drawn = chances_.keep * sets_.Probability(set);
    return set.empty() ? drawn + (1 - chances_.keep) : drawn;
  }
  void Draw(DrawStream* stream, std::vector<size_t>* set) const {
    set->clear();
    if (stream->Next() < chances_.keep) sets_.Draw(stream, set);
  }

 private:
  bool FitsAlone(size_t place, int32_t cell) const {
    return std::ranges::all_of(ConstraintsOf(problem_, cell), [&](int32_t r) {
      const auto at = static_cast<size_t>(r);
      return problem_.floor[at] != 0 || MeasureOf(problem_, at, problem_.cost[place], FaceAt(problem_, place)) <= problem_.limit[at];
    });
  }

  const AllocationProblem& problem_;
  const SetChances& chances_;
  PriceTable table_;
  SetDistribution sets_;
  std::vector<double> x_;
  std::vector<double> p_;
};

// Expectations by cell, and from them by constraint.
class ExpectedTotals {
 public:
  ExpectedTotals(const AllocationProblem& problem, ExpectedUse* use) : problem_(problem), use_(use) {
    const auto cells = static_cast<size_t>(problem.num_cells());
    for (auto* sums : {&sums_, &squares_}) {
      for (auto& column : *sums) column.assign(cells, 0.0);
    }
    *use = {0, 0, 0, 0, use->usage, use->curvature};
  }

  void Add(size_t place, int32_t cell, double p) {
    const auto at = static_cast<size_t>(cell);
    const std::array<double, 3> amounts = {1, static_cast<double>(problem_.cost[place]), static_cast<double>(FaceAt(problem_, place))};
    for (size_t m = 0; m < amounts.size(); ++m) {
      sums_[m][at] += p * amounts[m];
      squares_[m][at] += p * (1 - p) * amounts[m] * amounts[m];
    }
    use_->value += p * static_cast<double>(problem_.value[place]);
    use_->spend += p * amounts[1];
    use_->assigned += p;
  }

  void Finish() {
    std::ranges::fill(use_->usage, 0.0);
    std::ranges::fill(use_->curvature, 0.0);
    for (int32_t cell = 0; cell < problem_.num_cells(); ++cell) {
      for (const int32_t r : ConstraintsOf(problem_, cell)) {
        const auto at = static_cast<size_t>(r);
        use_->usage[at] += sums_[problem_.measure[at]][static_cast<size_t>(cell)];
        use_->curvature[at] += squares_[problem_.measure[at]][static_cast<size_t>(cell)];
      }
    }
  }

 private:
  const AllocationProblem& problem_;
  ExpectedUse* use_;
  std::array<std::vector<double>, 3> sums_;  // by Measure
  std::array<std::vector<double>, 3> squares_;
};

Status CheckTask(const AllocationProblem& problem, const AllocationUnits& units, RowRange range, const ExpectedUse& use) {
  COUPONCAST_RETURN_IF_ERROR(CheckRules(problem));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, Units::Count(problem, units)));
  for (const int32_t user : units.members) {
    if (user < 0 || user >= problem.users) return InvalidArgument("a unit has a member that is no user: " + std::to_string(user));
  }
  for (size_t u = 0; u + 1 < units.indptr.size(); ++u) {
    if (units.indptr[u] < 0 || units.indptr[u] > units.indptr[u + 1] || units.indptr[u + 1] > static_cast<int64_t>(units.members.size()))
      return InvalidArgument("expected ascending bounds of units within the members");
  }
  COUPONCAST_RETURN_IF_ERROR(CheckSize("usage", use.usage.size(), problem.num_constraints()));
  return CheckSize("curvature", use.curvature.size(), problem.num_constraints());
}

}  // namespace

Status ExpectUse(const AllocationProblem& problem, const AllocationUnits& units, const SetChances& chances, RowRange range,
                 CancelFlag cancel, ExpectedUse* use) {
  COUPONCAST_RETURN_IF_ERROR(CheckTask(problem, units, range, *use));
  COUPONCAST_RETURN_IF_ERROR(CheckChances(problem, chances));
  Units unit(problem, units);
  UnitSets sets(problem, chances);
  ExpectedTotals totals(problem, use);
  for (int64_t u = range.begin; u < range.end; ++u) {
    if (u % kUnitsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    unit.Load(u);
    sets.Load(unit);
    use->surplus += chances.temperature * sets.sets().log_sum();
    const std::span<const double> p = sets.Marginals();
    for (size_t i = 0; i < p.size(); ++i) totals.Add(unit.places()[i], unit.cells()[i], p[i]);
  }
  totals.Finish();
  return {};
}

Status DrawSets(const AllocationProblem& problem, const AllocationUnits& units, const DrawTask& task, RowRange range, CancelFlag cancel,
                const Draws& draws, ExpectedUse* use) {
  COUPONCAST_RETURN_IF_ERROR(CheckTask(problem, units, range, *use));
  COUPONCAST_RETURN_IF_ERROR(CheckChances(problem, task.wide));
  COUPONCAST_RETURN_IF_ERROR(CheckChances(problem, task.near));
  if (!(task.epsilon >= 0) || !(task.epsilon <= 1)) return InvalidArgument("expected epsilon within 0 and 1");
  const int64_t places = problem.users * problem.width;
  if (!task.fixed.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("fixed", task.fixed.size(), places));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("best", task.best.size(), places));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("keys", task.keys.size(), problem.users));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("chosen", draws.chosen.size(), places));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("propensity", draws.propensity.size(), places));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("decision", draws.decision.size(), problem.users));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("is_best", draws.is_best.size(), problem.users));

  Units unit(problem, units);
  UnitSets wide(problem, task.wide);
  UnitSets near(problem, task.near);
  ExpectedTotals totals(problem, use);
  std::vector<size_t> fixed;
  std::vector<size_t> best;
  std::vector<size_t> drawn;
  std::vector<double> p;
  const bool is_fixed = !task.fixed.empty();
  for (int64_t u = range.begin; u < range.end; ++u) {
    if (u % kUnitsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    unit.Load(u);
    const std::span<const size_t> at = unit.places();
    const auto given = [&](std::span<const uint8_t> chosen, std::vector<size_t>* set) {
      set->clear();
      for (size_t i = 0; i < at.size(); ++i) {
        if (chosen[at[i]] != 0) set->push_back(i);
      }
    };
    given(task.best, &best);
    p.assign(at.size(), 0.0);
    const auto add = [&](UnitSets& sets, double share) {
      sets.Load(unit);
      const std::span<const double> marginals = sets.Marginals();
      for (size_t i = 0; i < p.size(); ++i) p[i] += share * sets.chances().keep * marginals[i];
    };
    if (task.epsilon > 0) add(wide, task.epsilon);
    if (is_fixed) {
      given(task.fixed, &fixed);
      for (const size_t i : fixed) p[i] += 1 - task.epsilon;
    } else {
      add(near, 1 - task.epsilon);
    }

    DrawStream stream(task.seed, unit.users().empty() ? 0 : task.keys[static_cast<size_t>(unit.users().front())]);
    if (stream.Next() < task.epsilon) {
      wide.Draw(&stream, &drawn);
    } else if (is_fixed) {
      drawn = fixed;
    } else {
      near.Draw(&stream, &drawn);
    }
    double decision = task.epsilon > 0 ? task.epsilon * wide.Probability(drawn) : 0;
    decision += (1 - task.epsilon) * (is_fixed ? (drawn == fixed ? 1.0 : 0.0) : near.Probability(drawn));

    for (size_t i = 0; i < at.size(); ++i) {
      draws.chosen[at[i]] = 0;
      draws.propensity[at[i]] = p[i];
      totals.Add(at[i], unit.cells()[i], p[i]);
    }
    for (const size_t i : drawn) draws.chosen[at[i]] = 1;
    for (const int64_t user : unit.users()) {
      draws.decision[static_cast<size_t>(user)] = decision;
      draws.is_best[static_cast<size_t>(user)] = drawn == best ? 1 : 0;
    }
  }
  totals.Finish();
  return {};
}

}  // namespace couponcast
