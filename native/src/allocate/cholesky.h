// Small dense systems of a positive definite matrix.
#ifndef COUPONCAST_ALLOCATE_CHOLESKY_H_
#define COUPONCAST_ALLOCATE_CHOLESKY_H_

#include <cmath>
#include <cstddef>
#include <vector>

namespace couponcast {

// The factor takes the place of the lower triangle of matrix [n * n]. False where it is not positive definite.
inline bool FactorCholesky(size_t n, std::vector<double>* matrix) {
  std::vector<double>& l = *matrix;
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      double sum = l[i * n + j];
      for (size_t k = 0; k < j; ++k) sum -= l[i * n + k] * l[j * n + k];
      if (i != j) {
        l[i * n + j] = sum / l[j * n + j];
      } else {
        if (!(sum > 0)) return false;
        l[i * n + i] = std::sqrt(sum);
      }
    }
  }
  return true;
}

// x [n] is the right side, and then the solution.
inline void SolveCholesky(const std::vector<double>& l, size_t n, std::vector<double>* solution) {
  std::vector<double>& x = *solution;
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < i; ++k) x[i] -= l[i * n + k] * x[k];
    x[i] /= l[i * n + i];
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t k = i + 1; k < n; ++k) x[i] -= l[k * n + i] * x[k];
    x[i] /= l[i * n + i];
  }
}

}  // namespace couponcast

#endif  // COUPONCAST_ALLOCATE_CHOLESKY_H_
