#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/portable_math.h"
#include "couponcast/response.h"

namespace couponcast {
namespace {

constexpr int64_t kRowsPerPoll = 1024;

Status CheckDesign(std::span<const float> x, size_t dims, RowRange range) {
  if (dims == 0 || x.size() % dims != 0) return InvalidArgument("expected x of rows x dims with dims >= 1");
  return CheckRange(range, static_cast<int64_t>(x.size() / dims));
}

double LinearScore(const float* row, std::span<const double> beta) {
  double z = 0;
  for (size_t d = 0; d < beta.size(); ++d) z += static_cast<double>(row[d]) * beta[d];
  return z;
}

}  // namespace

double Sigmoid(double z) {
  if (z >= 0) return 1.0 / (1.0 + Exp(-z));
  const double e = Exp(z);
  return e / (1.0 + e);
}

Status LogisticPartial(std::span<const float> x, std::span<const uint8_t> y, std::span<const double> beta, RowRange range,
                       CancelFlag cancel, double* loss, std::span<double> gradient, std::span<double> hessian) {
  const size_t dims = beta.size();
  COUPONCAST_RETURN_IF_ERROR(CheckDesign(x, dims, range));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("y", y.size(), static_cast<int64_t>(x.size() / dims)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("gradient", gradient.size(), static_cast<int64_t>(dims)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("hessian", hessian.size(), static_cast<int64_t>(dims * dims)));
  std::ranges::fill(gradient, 0.0);
  std::ranges::fill(hessian, 0.0);
  *loss = 0;
  for (int64_t i = range.begin; i < range.end; ++i) {
    if ((i - range.begin) % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    const float* row = x.data() + static_cast<size_t>(i) * dims;
    const double z = LinearScore(row, beta);
    const double p = Sigmoid(z);
    const bool positive = y[static_cast<size_t>(i)] != 0;
    // ln(1 + e^-|z|) + max(z, 0) - y z, which does not overflow.
    *loss += Log1p(Exp(-std::fabs(z))) + std::max(z, 0.0) - (positive ? z : 0.0);
    const double residual = p - (positive ? 1.0 : 0.0);
    const double curvature = p * (1 - p);
    for (size_t a = 0; a < dims; ++a) {
      const auto xa = static_cast<double>(row[a]);
      if (xa == 0) continue;
      gradient[a] += residual * xa;
      const double scaled = curvature * xa;
      for (size_t b = 0; b <= a; ++b) hessian[a * dims + b] += scaled * static_cast<double>(row[b]);
    }
  }
  for (size_t a = 0; a < dims; ++a) {
    for (size_t b = 0; b < a; ++b) hessian[b * dims + a] = hessian[a * dims + b];
  }
  return {};
}

Status LogisticPredict(std::span<const float> x, std::span<const double> beta, RowRange range, std::span<float> probabilities) {
  COUPONCAST_RETURN_IF_ERROR(CheckDesign(x, beta.size(), range));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("probabilities", probabilities.size(), range.size()));
  for (int64_t i = range.begin; i < range.end; ++i) {
    probabilities[static_cast<size_t>(i - range.begin)] =
        static_cast<float>(Sigmoid(LinearScore(x.data() + static_cast<size_t>(i) * beta.size(), beta)));
  }
  return {};
}

Status SolveSpd(std::span<const double> a, std::span<const double> b, std::span<double> solution) {
  const size_t n = b.size();
  COUPONCAST_RETURN_IF_ERROR(CheckSize("a", a.size(), static_cast<int64_t>(n * n)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("solution", solution.size(), static_cast<int64_t>(n)));
  std::vector<double> lower(a.begin(), a.end());
  for (size_t j = 0; j < n; ++j) {
    for (size_t i = j; i < n; ++i) {
      double sum = lower[i * n + j];
      for (size_t k = 0; k < j; ++k) sum -= lower[i * n + k] * lower[j * n + k];
      if (i == j) {
        if (!(sum > 0)) return InvalidArgument("the matrix is not positive definite");
        lower[j * n + j] = std::sqrt(sum);
      } else {
        lower[i * n + j] = sum / lower[j * n + j];
      }
    }
  }
  for (size_t i = 0; i < n; ++i) {
    double sum = b[i];
    for (size_t k = 0; k < i; ++k) sum -= lower[i * n + k] * solution[k];
    solution[i] = sum / lower[i * n + i];
  }
  for (size_t i = n; i-- > 0;) {
    double sum = solution[i];
    for (size_t k = i + 1; k < n; ++k) sum -= lower[k * n + i] * solution[k];
    solution[i] = sum / lower[i * n + i];
  }
  return {};
}

}  // namespace couponcast
