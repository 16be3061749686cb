#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "allocate/cholesky.h"
#include "base/check.h"
#include "couponcast/allocate.h"

namespace couponcast {
namespace {

constexpr int kLineSearchSteps = 60;
constexpr double kExactness = 0.05;  // of what the cuts promise
constexpr double kRidge = 1e-13;     // of the trace: cuts may repeat
constexpr double kEnters = 0.01;     // of what those with weights still differ by
constexpr int kGuesses = 6;          // of the coordinates at bounds
constexpr double kFarthest = 4;      // beyond 1 is beyond what coordinates within the box would ask for
constexpr int kEqualisations = 8;    // to one exchange, which always gains

// The dual of the master programme: for weights a on the simplex of cuts, the minimiser over y in the box of
// sum_k a_k (offset_k + slope_k . y) + |y - center|^2 / (2 step) is y(a) = center - step * sum_k a_k slope_k, moved into
// the box, and the derivative by a_k is offset_k + slope_k . y(a).
class Master {
 public:
  Master(std::span<const double> slopes, std::span<const double> offsets, std::span<const double> center, double step, const MasterBox& box)
      : slopes_(slopes),
        offsets_(offsets),
        center_(center),
        step_(step),
        box_(box),
        weights_(offsets.size(), 0.0),
        mean_(center.size(), 0.0) {}

  double Slope(size_t cut, size_t dim) const { return slopes_[cut * center_.size() + dim]; }

  double Point(size_t dim, double mean) const { return std::clamp(center_[dim] - step_ * mean, box_.lower[dim], box_.upper[dim]); }

  double CutValue(size_t cut) const {
    double value = offsets_[cut];
    for (size_t d = 0; d < center_.size(); ++d) value += Slope(cut, d) * Point(d, mean_[d]);
    return value;
  }

  // From weights that an earlier programme ended with, or from one cut.
  void Start(std::span<const double> weights) {
    double sum = 0;
    for (const double weight : weights) sum += weight;
    if (sum > 0) {
      for (size_t k = 0; k < weights.size(); ++k) weights_[k] = weights[k] / sum;
    } else {
      weights_.back() = 1;
    }
    for (size_t k = 0; k < weights_.size(); ++k) {
      if (weights_[k] == 0) continue;
      for (size_t d = 0; d < center_.size(); ++d) mean_[d] += weights_[k] * Slope(k, d);
    }
  }

  // Moves weight from `down` to `up` as far as it raises the dual.
  void Exchange(size_t up, size_t down) {
    direction_.assign(weights_.size(), 0.0);
    direction_[up] = 1;
    direction_[down] = -1;
    Search(weights_[down]);
  }

  // Moves the weights of the cuts that have some, and of `up`, towards where all of these have one value: the maximum among
  // them while no coordinate enters or leaves the box. Returns whether that went anywhere.
  bool Equalise(size_t up, std::span<const double> values) {
    cuts_.clear();
    double least = values[up];
    double most_held = -std::numeric_limits<double>::infinity();
    for (size_t k = 0; k < weights_.size(); ++k) {
      if (weights_[k] == 0) continue;
      least = std::min(least, values[k]);
      most_held = std::max(most_held, values[k]);
    }
    // A cut comes in when those with weights are nearly of one value: else they go round in circles.
    const bool enters = values[up] - most_held >= kEnters * (most_held - least);
    for (size_t k = 0; k < weights_.size(); ++k) {
      if (weights_[k] > 0 || (enters && k == up)) cuts_.push_back(k);
    }
    const size_t n = cuts_.size();
    target_ = mean_;
    std::vector<double> x;
    for (int guess = 0; guess < kGuesses; ++guess) {
      const std::vector<double> from = target_;
      if (!SolveFace(from, &x)) return false;
      std::ranges::fill(target_, 0.0);
      for (size_t i = 0; i < n; ++i) {
        for (size_t d = 0; d < center_.size(); ++d) target_[d] += x[i] * Slope(cuts_[i], d);
      }
      bool same = true;
      for (size_t d = 0; d < center_.size(); ++d) same &= SideOf(d, from[d]) == SideOf(d, target_[d]);
      if (same) break;
    }
    direction_.assign(weights_.size(), 0.0);
    double most = kFarthest;
    for (size_t i = 0; i < n; ++i) {
      const double by = x[i] - weights_[cuts_[i]];
      direction_[cuts_[i]] = by;
      if (by < 0) most = std::min(most, -weights_[cuts_[i]] / by);
    }
    return most > 0 && Search(most) > 0;
  }

  const std::vector<double>& weights() const { return weights_; }
  const std::vector<double>& mean() const { return mean_; }

 private:
  int SideOf(size_t dim, double mean) const {
    const double free = center_[dim] - step_ * mean;
    return free <= box_.lower[dim] ? -1 : free >= box_.upper[dim] ? 1 : 0;
  }

  // Weights of cuts_ that give all of these one value, where the coordinates that `mean` puts at a bound stay there. With
  // the first cut's weight the rest of 1 and differences D to it: step D D' weights = offsets + D . point at its weight 1.
  bool SolveFace(std::span<const double> mean, std::vector<double>* x) {
    const size_t dims = center_.size();
    const size_t n = cuts_.size() - 1;
    x->assign(n, 0.0);
    matrix_.assign(n * n, 0.0);
    differences_.resize(n * dims);
    for (size_t i = 0; i < n; ++i) {
      (*x)[i] = offsets_[cuts_[i + 1]] - offsets_[cuts_[0]];
      for (size_t d = 0; d < dims; ++d) {
        const double difference = Slope(cuts_[i + 1], d) - Slope(cuts_[0], d);
        const bool is_inside = SideOf(d, mean[d]) == 0;
        differences_[i * dims + d] = is_inside ? difference : 0;
        (*x)[i] += difference * (is_inside ? center_[d] - step_ * Slope(cuts_[0], d) : Point(d, mean[d]));
      }
    }
    double trace = 0;
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j <= i; ++j) {
        double sum = 0;
        for (size_t d = 0; d < dims; ++d) sum += differences_[i * dims + d] * differences_[j * dims + d];
        matrix_[i * n + j] = step_ * sum;
      }
      trace += matrix_[i * n + i];
    }
    if (!(trace > 0)) return false;
    for (size_t i = 0; i < n; ++i) matrix_[i * n + i] += kRidge * trace;
    if (!FactorCholesky(n, &matrix_)) return false;
    SolveCholesky(matrix_, n, x);
    double rest = 1;
    for (const double weight : *x) rest -= weight;
    x->insert(x->begin(), rest);
    return true;
  }

  // Moves the weights along direction_, whose sum is 0, as far as that raises the dual, `most` times at most. The derivative
  // along the way falls, in straight pieces, so the secant finds its zero (Illinois: an end that stays is trusted half as
  // much). Returns how far.
  double Search(double most) {
    along_.assign(center_.size(), 0.0);
    double offset = 0;
    for (size_t k = 0; k < direction_.size(); ++k) {
      if (direction_[k] == 0) continue;
      offset += direction_[k] * offsets_[k];
      for (size_t d = 0; d < center_.size(); ++d) along_[d] += direction_[k] * Slope(k, d);
    }
    const auto derivative = [&](double moved) {
      double value = offset;
      for (size_t d = 0; d < center_.size(); ++d) value += along_[d] * Point(d, mean_[d] + moved * along_[d]);
      return value;
    };
    double low = 0;
    double high = most;
    double at_high = derivative(high);
    if (at_high < 0) {
      double at_low = derivative(low);
      if (at_low <= 0) return 0;
      for (int i = 0; i < kLineSearchSteps && at_low > 0 && at_high < 0; ++i) {
        const double middle = low + (high - low) * (at_low / (at_low - at_high));
        if (middle <= low || middle >= high) break;
        const double at_middle = derivative(middle);
        if (at_middle > 0) {
          low = middle;
          at_low = at_middle;
          at_high *= 0.5;
        } else {
          high = middle;
          at_high = at_middle;
          at_low *= 0.5;
          if (at_middle == 0) break;
        }
      }
    }
    for (size_t k = 0; k < direction_.size(); ++k) {
      weights_[k] += high * direction_[k];
      if (weights_[k] < 1e-15) weights_[k] = 0;
    }
    for (size_t d = 0; d < center_.size(); ++d) mean_[d] += high * along_[d];
    return high;
  }

  std::span<const double> slopes_;
  std::span<const double> offsets_;
  std::span<const double> center_;
  double step_;
  const MasterBox& box_;
  std::vector<double> weights_;
  std::vector<double> mean_;  // sum_k a_k slope_k
  std::vector<double> direction_;
  std::vector<double> along_;  // sum_k direction_k slope_k
  std::vector<double> target_;
  std::vector<double> matrix_;
  std::vector<double> differences_;
  std::vector<size_t> cuts_;
};

}  // namespace

Status SolveBundleMaster(std::span<const double> slopes, std::span<const double> offsets, std::span<const double> center, double step,
                         const MasterBox& box, double reference, CancelFlag cancel, std::span<double> weights, std::span<double> y,
                         double* model_value) {
  const size_t cuts = offsets.size();
  const size_t dims = center.size();
  if (cuts == 0 || !(step > 0)) return InvalidArgument("expected at least one cut and a step > 0");
  COUPONCAST_RETURN_IF_ERROR(CheckSize("slopes", slopes.size(), static_cast<int64_t>(cuts * dims)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("weights", weights.size(), static_cast<int64_t>(cuts)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("y", y.size(), static_cast<int64_t>(dims)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("lower", box.lower.size(), static_cast<int64_t>(dims)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("upper", box.upper.size(), static_cast<int64_t>(dims)));
  for (size_t d = 0; d < dims; ++d) {
    if (!(box.lower[d] <= box.upper[d])) return InvalidArgument("expected lower <= upper");
  }
  Master master(slopes, offsets, center, step, box);
  master.Start(weights);
  std::vector<double> values(cuts);
  for (int iteration = 0; iteration < kMaxMasterIterations; ++iteration) {
    if (iteration % 64 == 0 && cancel.IsSet()) return Cancelled();
    size_t up = 0;
    size_t down = cuts;
    double scale = 0;
    for (size_t k = 0; k < cuts; ++k) {
      values[k] = master.CutValue(k);
      scale = std::max(scale, std::fabs(values[k]));
      if (values[k] > values[up]) up = k;
      if (master.weights()[k] > 0 && (down == cuts || values[k] < values[down])) down = k;
    }
    const double enough = std::max(1e-12 * std::max(1.0, scale), kExactness * (reference - values[up]));
    if (down == cuts || values[up] - values[down] <= enough) break;
    if (iteration % kEqualisations == kEqualisations - 1 || !master.Equalise(up, values)) master.Exchange(up, down);
  }
  std::ranges::copy(master.weights(), weights.begin());
  for (size_t d = 0; d < dims; ++d) y[d] = master.Point(d, master.mean()[d]);
  *model_value = master.CutValue(0);
  for (size_t k = 1; k < cuts; ++k) *model_value = std::max(*model_value, master.CutValue(k));
  return {};
}

}  // namespace couponcast
