#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "couponcast/allocate.h"

namespace couponcast {
namespace {

constexpr int kLineSearchSteps = 60;
constexpr double kExactness = 0.05;  // of what the cuts promise

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

  // Moves weight from `down` to `up` as far as it raises the dual. The derivative along the way falls, in straight pieces,
  // so the secant finds its zero (Illinois: an end that stays is trusted half as much).
  void Exchange(size_t up, size_t down) {
    const auto derivative = [&](double moved) {
      double value = offsets_[up] - offsets_[down];
      for (size_t d = 0; d < center_.size(); ++d) {
        const double direction = Slope(up, d) - Slope(down, d);
        value += direction * Point(d, mean_[d] + moved * direction);
      }
      return value;
    };
    double low = 0;
    double high = weights_[down];
    double at_high = derivative(high);
    if (at_high < 0) {
      double at_low = derivative(low);
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
        }
      }
    }
    weights_[up] += high;
    weights_[down] -= high;
    if (weights_[down] < 1e-15) weights_[down] = 0;
    for (size_t d = 0; d < center_.size(); ++d) mean_[d] += high * (Slope(up, d) - Slope(down, d));
  }

  const std::vector<double>& weights() const { return weights_; }
  const std::vector<double>& mean() const { return mean_; }

 private:
  std::span<const double> slopes_;
  std::span<const double> offsets_;
  std::span<const double> center_;
  double step_;
  const MasterBox& box_;
  std::vector<double> weights_;
  std::vector<double> mean_;  // sum_k a_k slope_k
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
    master.Exchange(up, down);
  }
  std::ranges::copy(master.weights(), weights.begin());
  for (size_t d = 0; d < dims; ++d) y[d] = master.Point(d, master.mean()[d]);
  *model_value = master.CutValue(0);
  for (size_t k = 1; k < cuts; ++k) *model_value = std::max(*model_value, master.CutValue(k));
  return {};
}

}  // namespace couponcast
