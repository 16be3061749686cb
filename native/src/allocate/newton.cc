#include "allocate/newton.h"

#include <algorithm>
#include <cmath>

#include "allocate/cholesky.h"

namespace couponcast {
namespace {

constexpr int kMaxSteps = 60;
constexpr double kRough = 100;   // times what is enough: the function may be no smoother than that
constexpr int kMaxFailures = 6;  // in a row
constexpr int kMaxActiveSets = 40;
constexpr double kFirstShare = 0.25;  // of the units, that the curvature is taken from
constexpr double kLeastShare = 0.01;
constexpr size_t kLeastPerDim = 40;     // units a constraint
constexpr double kFirstDamping = 1e-2;  // of the curvature's diagonal
constexpr double kLeastDamping = 1e-7;
constexpr double kSmallDamping = 1e-3;  // a step is nearly Newton's own

enum class Side : int8_t { kFree, kLower, kUpper };

}  // namespace

double BoxNewtonStep(std::span<const double> matrix, std::span<const double> slope, std::span<const double> lower,
                     std::span<const double> upper, std::span<double> d) {
  const size_t dims = slope.size();
  std::vector<Side> side(dims, Side::kFree);
  std::vector<size_t> free;
  std::vector<double> factor;
  std::vector<double> right;
  std::vector<double> derivative(dims);
  const auto differentiate = [&] {
    for (size_t r = 0; r < dims; ++r) {
      derivative[r] = slope[r];
      for (size_t s = 0; s < dims; ++s) derivative[r] += matrix[r * dims + s] * d[s];
    }
  };
  for (int i = 0; i < kMaxActiveSets; ++i) {
    free.clear();
    for (size_t r = 0; r < dims; ++r) {
      d[r] = side[r] == Side::kLower ? lower[r] : side[r] == Side::kUpper ? upper[r] : 0;
      if (side[r] == Side::kFree) free.push_back(r);
    }
    differentiate();
    right.clear();
    factor.clear();
    for (const size_t r : free) {
      right.push_back(-derivative[r]);
      for (const size_t s : free) factor.push_back(matrix[r * dims + s]);
    }
    if (!FactorCholesky(free.size(), &factor)) return 0;
    SolveCholesky(factor, free.size(), &right);
    for (size_t f = 0; f < free.size(); ++f) d[free[f]] = right[f];
    differentiate();
    bool changed = false;
    for (size_t r = 0; r < dims; ++r) {
      Side now = Side::kFree;
      if (side[r] == Side::kFree && d[r] < lower[r]) now = Side::kLower;
      if (side[r] == Side::kFree && d[r] > upper[r]) now = Side::kUpper;
      if (side[r] == Side::kLower && derivative[r] >= 0) now = Side::kLower;
      if (side[r] == Side::kUpper && derivative[r] <= 0) now = Side::kUpper;
      changed |= now != side[r];
      side[r] = now;
    }
    if (!changed) break;
  }
  for (size_t r = 0; r < dims; ++r) d[r] = std::clamp(d[r], lower[r], upper[r]);
  differentiate();
  double gain = 0;
  for (size_t r = 0; r < dims; ++r) gain -= 0.5 * d[r] * (slope[r] + derivative[r]);
  return gain;
}

Status DescendSmooth(DualFunction* function, const DualTask& task, double size, double enough,
                     const std::function<void(const DualPoint&)>& seen, DualPoint* best, bool* ended) {
  *ended = false;
  const size_t dims = function->dims();
  const size_t units = function->units();
  const auto near = [&](double share) {
    return std::min(units, std::max(static_cast<size_t>(share * static_cast<double>(units)), kLeastPerDim * dims));
  };
  // What a price is measured in where nobody is near to it.
  std::vector<double> least(dims);
  for (size_t r = 0; r < dims; ++r) {
    const double scale = size / std::max({std::fabs(task.limit[r]), std::fabs(task.limit[r] - best->slack[r]), 1.0});
    least[r] = 1e-2 * size / (scale * scale);
  }
  double share = kFirstShare;
  double damping = kFirstDamping;
  COUPONCAST_RETURN_IF_ERROR(function->Evaluate(near(share), best));
  std::vector<double> matrix;
  std::vector<double> lower(dims);
  std::vector<double> upper(dims);
  std::vector<double> step(dims);
  DualPoint next;
  int failures = 0;
  double expected = 0;
  for (int steps = 0; steps < kMaxSteps && failures < kMaxFailures;) {
    matrix = best->curvature;
    for (size_t r = 0; r < dims; ++r) {
      matrix[r * dims + r] += damping * std::max(matrix[r * dims + r], least[r]);
      lower[r] = task.lower[r] - best->prices[r];
      upper[r] = task.upper[r] - best->prices[r];
    }
    const double promised = BoxNewtonStep(matrix, best->slack, lower, upper, step);
    if (promised <= enough) {
      if (damping <= kSmallDamping) {
        *ended = promised >= 0;
        return {};
      }
      damping = kSmallDamping;
      continue;
    }
    next.prices.resize(dims);
    for (size_t r = 0; r < dims; ++r) next.prices[r] = std::clamp(best->prices[r] + step[r], task.lower[r], task.upper[r]);
    COUPONCAST_RETURN_IF_ERROR(function->Evaluate(near(share), &next));
    seen(next);
    ++steps;
    const double gained = best->dual - next.dual;
    if (gained < 0.25 * promised) {
      damping = std::max(damping, kSmallDamping) * 10;
    } else if (gained > 0.75 * promised) {
      damping = std::max(damping * 0.1, kLeastDamping);
    }
    if (gained > 0.5 * promised) share = std::max(share * 0.5, kLeastShare);
    if (failures == 0) expected = promised;
    failures = gained > 0 ? 0 : failures + 1;
    if (gained > 0) std::swap(*best, next);
  }
  *ended = failures == kMaxFailures && expected <= kRough * enough;
  return {};
}

}  // namespace couponcast
