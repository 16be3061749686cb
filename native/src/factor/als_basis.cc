#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/check.h"
#include "couponcast/als.h"
#include "factor/als_params.h"
#include "factor/padded_rows.h"

namespace couponcast {
namespace {

// A pivot's share of its diagonal below which it may be rounding alone: the Gram was summed in float32 by blocks. A vector may
// then be as long as 1000 times what fits it, which float32 still tells apart.
constexpr double kRounding = 1e-6;

// Row k of L from those before it and of `a`, which holds gram + regularisation.
void FactorRow(const std::vector<double>& a, int64_t n, int64_t k, std::vector<double>* root) {
  double* row = root->data() + k * n;
  for (int64_t j = 0; j <= k; ++j) {
    const double* other = root->data() + j * n;
    double sum = a[static_cast<size_t>(k * n + j)];
    for (int64_t i = 0; i < j; ++i) sum -= row[i] * other[i];
    if (j < k) {
      row[j] = other[j] > 0 ? sum / other[j] : 0.0;
    } else {
      row[j] = sum > kRounding * a[static_cast<size_t>(k * n + k)] ? std::sqrt(sum) : 0.0;
    }
  }
}

// Row k of L^-1 from those before it.
void InvertRow(const std::vector<double>& root, int64_t n, int64_t k, std::vector<double>* inverse) {
  const double* factors = root.data() + k * n;
  double* row = inverse->data() + k * n;
  if (factors[k] == 0) return;
  for (int64_t i = 0; i < k; ++i) {
    const double* other = inverse->data() + i * n;
    for (int64_t j = 0; j <= i; ++j) row[j] -= factors[i] * other[j];
  }
  for (int64_t j = 0; j < k; ++j) row[j] /= factors[k];
  row[k] = 1 / factors[k];
}

}  // namespace

Status AlsBasis(std::span<const double> gram, const AlsParams& params, std::span<float> root, std::span<float> inverse) {
  COUPONCAST_RETURN_IF_ERROR(CheckParams(params));
  const int64_t n = params.factors;
  COUPONCAST_RETURN_IF_ERROR(CheckSize("gram", gram.size(), n * n));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("root", root.size(), n * n));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("inverse", inverse.size(), n * n));
  std::vector<double> a(gram.begin(), gram.end());
  for (int64_t k = 0; k < n; ++k) a[static_cast<size_t>(k * n + k)] += params.regularisation;
  if (!std::ranges::all_of(a, [](double value) { return std::isfinite(value); })) {
    return InvalidArgument("expected alpha and values whose products float32 can hold");
  }
  std::vector<double> l(a.size(), 0.0);
  std::vector<double> l_inverse(a.size(), 0.0);
  for (int64_t k = 0; k < n; ++k) {
    FactorRow(a, n, k, &l);
    InvertRow(l, n, k, &l_inverse);
  }
  std::ranges::transform(l, root.begin(), [](double value) { return static_cast<float>(value); });
  std::ranges::transform(l_inverse, inverse.begin(), [](double value) { return static_cast<float>(value); });
  return {};
}

Status AlsTurn(std::span<const float> rows, int64_t factors, std::span<const float> inverse, RowRange range, CancelFlag cancel,
               std::span<float> turned) {
  COUPONCAST_RETURN_IF_ERROR(CheckRows(rows, factors));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, std::ssize(rows) / factors));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("inverse", inverse.size(), factors * factors));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("turned", turned.size(), range.size() * PaddedWidth(factors)));
  const PaddedSquare transposed(inverse, factors, true);
  PaddedRows from(factors);
  const int64_t width = PaddedWidth(factors);
  for (int64_t begin = range.begin; begin < range.end; begin += kPaddedRows) {
    if (cancel.IsSet()) return Cancelled();
    const int64_t count = std::min(kPaddedRows, range.end - begin);
    from.Read(rows.data() + begin * factors, count);
    transposed.Multiply(from.view(count), turned.data() + (begin - range.begin) * width);
  }
  return {};
}

}  // namespace couponcast
