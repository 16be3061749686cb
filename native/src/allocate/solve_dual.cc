#include <algorithm>
#include <cmath>
#include <vector>

#include "allocate/price_table.h"
#include "allocate/unit_choice.h"
#include "allocate/unit_table.h"
#include "base/check.h"
#include "couponcast/allocate.h"

namespace couponcast {
namespace {

constexpr size_t kMaxCuts = 80;  // the oldest go first
constexpr int kMaxIdle = 20;
constexpr int64_t kMaxEvaluations = 400;
constexpr int kMaxRetreats = 30;  // from steps that are too long for the master to end exactly
constexpr double kMaxStep = 1e7;
constexpr double kLeastShare = 1e-3;  // a bound may come down to 0: what is promised is measured by this share of the first one
constexpr size_t kUnitsPerPoll = 16384;

// The dual function of the units.
class Dual {
 public:
  Dual(const AllocationProblem& problem, const DualTask& task, CancelFlag cancel)
      : problem_(problem), task_(task), cancel_(cancel), totals_(problem), usage_(task.limit.size()), choice_(problem) {}

  Status Gather(const AllocationUnits& units) {
    COUPONCAST_RETURN_IF_ERROR(GatherUnits(problem_, units, cancel_, &table_));
    w_.resize(table_.cells.size());
    return {};
  }

  // A limit of 0 costs nothing to price: so high that nothing it counts is worth having.
  void PriceOut(const DualTask& task, std::vector<double>* prices) const {
    for (size_t at = 0; at < table_.cells.size(); ++at) {
      for (const int32_t constraint : ConstraintsOf(problem_, table_.cells[at])) {
        const auto r = static_cast<size_t>(constraint);
        const int64_t counted = MeasureOf(problem_, r, table_.cost[at], table_.FaceAt(at));
        if (task.limit[r] != 0 || problem_.floor[r] != 0 || counted == 0 || task.ignore_value) continue;
        const double price = static_cast<double>(table_.value[at]) / static_cast<double>(counted);
        (*prices)[r] = std::min(task.upper[r], std::max((*prices)[r], price));
      }
    }
  }

  // slack [dims] out: a subgradient.
  Status Evaluate(const std::vector<double>& prices, double* dual, std::vector<double>* slack) {
    if (cancel_.IsSet()) return Cancelled();
    ReducedValues(MakePriceTable(problem_, prices), table_.All(), task_.ignore_value, w_.data());
    totals_.Clear();
    double surplus = 0;
    COUPONCAST_RETURN_IF_ERROR(EachChosen([&](size_t at) {
      surplus += w_[at];
      totals_.Add(table_.cells[at], table_.cost[at], table_.FaceAt(at));
    }));
    std::ranges::fill(usage_, 0);
    totals_.AddTo(problem_, usage_);
    *dual = task_.constant + surplus;
    for (size_t r = 0; r < prices.size(); ++r) {
      const double left = task_.limit[r] - static_cast<double>(usage_[r]);
      (*slack)[r] = problem_.floor[r] != 0 ? -left : left;
      *dual += (problem_.floor[r] != 0 ? -task_.limit[r] : task_.limit[r]) * prices[r];
    }
    ++evaluations_;
    return {};
  }

  Status Choose(const std::vector<double>& prices, std::span<uint8_t> chosen) {
    for (const int64_t place : table_.places) chosen[static_cast<size_t>(place)] = 0;
    ReducedValues(MakePriceTable(problem_, prices), table_.All(), task_.ignore_value, w_.data());
    return EachChosen([&](size_t at) { chosen[static_cast<size_t>(table_.places[at])] = 1; });
  }

  const std::vector<int64_t>& usage() const { return usage_; }
  int64_t evaluations() const { return evaluations_; }

 private:
  // Places of the best responses to w_.
  template <typename Visit>
  Status EachChosen(Visit&& visit) {
    const auto coupons = static_cast<int32_t>(problem_.num_coupons());
    for (size_t unit = 0; unit < table_.units(); ++unit) {
      if (unit % kUnitsPerPoll == 0 && cancel_.IsSet()) return Cancelled();
      const size_t begin = table_.indptr[unit];
      const auto w = std::span(w_).subspan(begin, table_.indptr[unit + 1] - begin);
      for (const size_t place : choice_.Choose(w, [&](size_t at) { return table_.cells[begin + at] % coupons; })) visit(begin + place);
    }
    return {};
  }

  const AllocationProblem& problem_;
  const DualTask& task_;
  CancelFlag cancel_;
  UnitTable table_;
  std::vector<double> w_;
  CellTotals totals_;
  std::vector<int64_t> usage_;
  UnitChoice choice_;
  int64_t evaluations_ = 0;
};

// Cuts of the dual, in units in which a step means the same in every direction: prices differ by orders of magnitude
// (value per cost, value a piece), so each is measured by what moves the bound by its own size.
class Bundle {
 public:
  Bundle(const DualTask& task, double size, const std::vector<double>& slack) : size_(size) {
    for (size_t r = 0; r < slack.size(); ++r) {
      const double limit = std::fabs(task.limit[r]);
      scale_.push_back(size / std::max({limit, std::fabs(limit - slack[r]), 1.0}));
      lower_.push_back(task.lower[r] / scale_[r]);
      upper_.push_back(task.upper[r] / scale_[r]);
    }
  }

  void Add(const std::vector<double>& at, double dual, const std::vector<double>& slack) {
    double offset = dual / size_;
    const size_t dims = slack.size();
    for (size_t k = offsets_.size(); k-- > 0;) {
      idle_[k] = weights_[k] > 0 ? 0 : idle_[k] + 1;
      if (idle_[k] > kMaxIdle) Drop(k, dims);
    }
    if (offsets_.size() == kMaxCuts) Drop(0, dims);
    for (size_t r = 0; r < dims; ++r) {
      slopes_.push_back(slack[r] * scale_[r] / size_);
      offset -= slopes_.back() * at[r] / scale_[r];
    }
    offsets_.push_back(offset);
    weights_.push_back(0);
    idle_.push_back(0);
  }

  // The next point, and the bound that the cuts promise there.
  Status Next(const std::vector<double>& center, double best, double step, CancelFlag cancel, std::vector<double>* point,
              double* promised) {
    scaled_.resize(center.size());
    for (size_t r = 0; r < center.size(); ++r) scaled_[r] = center[r] / scale_[r];
    COUPONCAST_RETURN_IF_ERROR(
        SolveBundleMaster(slopes_, offsets_, scaled_, step, {lower_, upper_}, best / size_, cancel, weights_, *point, promised));
    for (size_t r = 0; r < center.size(); ++r) (*point)[r] *= scale_[r];
    *promised *= size_;
    return {};
  }

 private:
  void Drop(size_t cut, size_t dims) {
    const auto at = static_cast<std::ptrdiff_t>(cut);
    const auto first = slopes_.begin() + at * static_cast<std::ptrdiff_t>(dims);
    slopes_.erase(first, first + static_cast<std::ptrdiff_t>(dims));
    offsets_.erase(offsets_.begin() + at);
    weights_.erase(weights_.begin() + at);
    idle_.erase(idle_.begin() + at);
  }

  double size_;
  std::vector<double> scale_;
  std::vector<double> lower_;
  std::vector<double> upper_;
  std::vector<double> slopes_;
  std::vector<double> offsets_;
  std::vector<double> weights_;
  std::vector<int> idle_;  // programmes in a row in which the cut had no weight
  std::vector<double> scaled_;
};

Status CheckTask(const AllocationProblem& problem, const DualTask& task, std::span<double> prices, std::span<int64_t> usage) {
  const int64_t dims = problem.num_constraints();
  COUPONCAST_RETURN_IF_ERROR(CheckSize("limit", task.limit.size(), dims));
  COUPONCAST_RETURN_IF_ERROR(CheckPrices(problem, task.start));
  COUPONCAST_RETURN_IF_ERROR(CheckPrices(problem, task.lower));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("upper", task.upper.size(), dims));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("prices", prices.size(), dims));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("usage", usage.size(), dims));
  for (size_t r = 0; r < task.limit.size(); ++r) {
    if (!std::isfinite(task.limit[r]) || !(task.lower[r] <= task.start[r]) || !(task.start[r] <= task.upper[r])) {
      return InvalidArgument("expected finite limits and lower <= start <= upper");
    }
  }
  if (!(task.relative > 0)) return InvalidArgument("expected relative > 0");
  return {};
}

}  // namespace

Status SolveDual(const AllocationProblem& problem, const AllocationUnits& units, const DualTask& task, CancelFlag cancel,
                 std::span<double> prices, std::span<int64_t> usage, std::span<uint8_t> chosen, DualSolution* solution) {
  COUPONCAST_RETURN_IF_ERROR(CheckRules(problem));
  COUPONCAST_RETURN_IF_ERROR(CheckTask(problem, task, prices, usage));
  if (!chosen.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("chosen", chosen.size(), problem.users * problem.width));
  Dual dual(problem, task, cancel);
  COUPONCAST_RETURN_IF_ERROR(dual.Gather(units));
  const size_t dims = task.limit.size();
  std::vector<double> center(task.start.begin(), task.start.end());
  dual.PriceOut(task, &center);
  std::vector<double> slack(dims);
  double best = 0;
  COUPONCAST_RETURN_IF_ERROR(dual.Evaluate(center, &best, &slack));
  std::ranges::copy(dual.usage(), usage.begin());
  // Without floors no bound is below 0.
  const bool has_floors = std::ranges::any_of(problem.floor, [](uint8_t is_floor) { return is_floor != 0; });
  if (dims > 0 && (best != 0 || has_floors)) {
    const double size = task.ignore_value ? 1 : std::max(1.0, std::fabs(best));
    Bundle bundle(task, size, slack);
    bundle.Add(center, best, slack);
    std::vector<double> point(dims);
    double step = 0.1;
    int retreats = 0;
    while (dual.evaluations() < kMaxEvaluations) {
      double model = 0;
      COUPONCAST_RETURN_IF_ERROR(bundle.Next(center, best, step, cancel, &point, &model));
      const double promised = best - model;
      if (promised <= task.relative * std::max(std::fabs(best), kLeastShare * size)) {
        // At a short step the model promises little near the center only: look farther before giving up. A promise below
        // zero is of a master that stopped before its end: a shorter step is easier for it.
        if (promised < 0) {
          if (++retreats > kMaxRetreats) break;
          step = std::max(step * 0.3, 1e-7);
        } else {
          if (step >= kMaxStep) break;
          step *= 10;
        }
        continue;
      }
      double next = 0;
      COUPONCAST_RETURN_IF_ERROR(dual.Evaluate(point, &next, &slack));
      bundle.Add(point, next, slack);
      const double gained = best - next;
      if (gained > 0) {
        center = point;
        best = next;
        std::ranges::copy(dual.usage(), usage.begin());
      }
      if (gained >= 0.5 * promised) {
        step = std::min(step * 2, kMaxStep);
      } else if (gained < 0.1 * promised) {
        step = std::max(step * 0.7, 1e-7);
      }
    }
  }
  std::ranges::copy(center, prices.begin());
  if (!chosen.empty()) COUPONCAST_RETURN_IF_ERROR(dual.Choose(center, chosen));
  *solution = {best, dual.evaluations()};
  return {};
}

}  // namespace couponcast
