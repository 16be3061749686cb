#include <cmath>

#include "base/check.h"
#include "base/portable_math.h"
#include "couponcast/response.h"

namespace couponcast {

double Sigmoid(double z) {
  if (z >= 0) return 1.0 / (1.0 + Exp(-z));
  const double e = Exp(z);
  return e / (1.0 + e);
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
