#include <algorithm>
#include <cmath>
#include <vector>

#include "allocate/dual_function.h"
#include "allocate/newton.h"
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

  void Add(const DualPoint& point) {
    double offset = point.dual / size_;
    const size_t dims = point.slack.size();
    for (size_t k = offsets_.size(); k-- > 0;) {
      idle_[k] = weights_[k] > 0 ? 0 : idle_[k] + 1;
      if (idle_[k] > kMaxIdle) Drop(k, dims);
    }
    if (offsets_.size() == kMaxCuts) Drop(0, dims);
    for (size_t r = 0; r < dims; ++r) {
      slopes_.push_back(point.slack[r] * scale_[r] / size_);
      offset -= slopes_.back() * point.prices[r] / scale_[r];
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

// Proximal bundle steps from *best until the cuts promise nearly nothing, however far the next point may be.
Status Descend(const DualTask& task, double size, CancelFlag cancel, DualFunction* dual, Bundle* bundle, DualPoint* best) {
  DualPoint next;
  next.prices.resize(dual->dims());
  double step = 0.1;
  int retreats = 0;
  const int64_t most = dual->evaluations() + kMaxEvaluations;
  while (dual->evaluations() < most) {
    double model = 0;
    COUPONCAST_RETURN_IF_ERROR(bundle->Next(best->prices, best->dual, step, cancel, &next.prices, &model));
    const double promised = best->dual - model;
    if (promised <= task.relative * std::max(std::fabs(best->dual), kLeastShare * size)) {
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
    COUPONCAST_RETURN_IF_ERROR(dual->Evaluate(0, &next));
    bundle->Add(next);
    const double gained = best->dual - next.dual;
    if (gained > 0) *best = next;
    if (gained >= 0.5 * promised) {
      step = std::min(step * 2, kMaxStep);
    } else if (gained < 0.1 * promised) {
      step = std::max(step * 0.7, 1e-7);
    }
  }
  return {};
}

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
  DualFunction dual(problem, task, cancel);
  COUPONCAST_RETURN_IF_ERROR(dual.Gather(units));
  DualPoint best;
  best.prices.assign(task.start.begin(), task.start.end());
  dual.PriceOut(&best.prices);
  COUPONCAST_RETURN_IF_ERROR(dual.Evaluate(0, &best));
  // Without floors no bound is below 0.
  const bool has_floors = std::ranges::any_of(problem.floor, [](uint8_t is_floor) { return is_floor != 0; });
  if (dual.dims() > 0 && (best.dual != 0 || has_floors)) {
    const double size = task.ignore_value ? 1 : std::max(1.0, std::fabs(best.dual));
    Bundle bundle(task, size, best.slack);
    bundle.Add(best);
    bool ended = false;
    if (dual.dims() <= kMaxNewtonDims) {
      const double enough = task.relative * std::max(std::fabs(best.dual), kLeastShare * size);
      COUPONCAST_RETURN_IF_ERROR(
          DescendSmooth(&dual, task, size, enough, [&](const DualPoint& point) { bundle.Add(point); }, &best, &ended));
    }
    if (task.exact || !ended) COUPONCAST_RETURN_IF_ERROR(Descend(task, size, cancel, &dual, &bundle, &best));
  }
  std::ranges::copy(best.prices, prices.begin());
  std::ranges::copy(best.usage, usage.begin());
  if (!chosen.empty()) COUPONCAST_RETURN_IF_ERROR(dual.Choose(best.prices, chosen));
  *solution = {best.dual, dual.evaluations()};
  return {};
}

}  // namespace couponcast
