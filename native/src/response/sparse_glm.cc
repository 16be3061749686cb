#include "couponcast/sparse_glm.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/portable_math.h"
#include "couponcast/response.h"

namespace couponcast {
namespace {

constexpr int64_t kRowsPerPoll = 2048;
// Factors of at most 2 each: their product stays finite.
constexpr int64_t kRowsPerLog = 512;

Status CheckShape(const SparseRows& x) {
  if (x.indptr.empty() || x.cols < 0) return InvalidArgument("expected an indptr of rows + 1 elements and cols >= 0");
  COUPONCAST_RETURN_IF_ERROR(CheckSize("values", x.values.size(), static_cast<int64_t>(x.indices.size())));
  if (x.indptr.front() != 0 || x.indptr.back() != static_cast<int64_t>(x.indices.size())) {
    return InvalidArgument("expected an indptr from 0 to " + std::to_string(x.indices.size()));
  }
  return {};
}

Status CheckTargets(const SparseRows& x, std::span<const float> y, std::span<const float> weights, RowRange range) {
  COUPONCAST_RETURN_IF_ERROR(CheckShape(x));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("y", y.size(), x.rows()));
  if (!weights.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("weights", weights.size(), x.rows()));
  return CheckRange(range, x.rows());
}

Status BadRow(int64_t row, const std::string& what) { return InvalidArgument("row " + std::to_string(row) + ": expected " + what); }

// The entries of a row.
struct Row {
  const int32_t* indices;
  const float* values;
  size_t size;
};

Row RowOf(const SparseRows& x, size_t row) {
  const auto begin = static_cast<size_t>(x.indptr[row]);
  return {x.indices.data() + begin, x.values.data() + begin, static_cast<size_t>(x.indptr[row + 1]) - begin};
}

double ScoreOf(const Row& row, std::span<const double> beta) {
  double z = beta.back();
  for (size_t k = 0; k < row.size; ++k) z += static_cast<double>(row.values[k]) * beta[static_cast<size_t>(row.indices[k])];
  return z;
}

// Adds curvature * x x' to the lower triangle; the intercept is the last row.
void AddCurvature(const Row& row, double curvature, size_t dims, std::span<double> hessian) {
  double* last = hessian.data() + (dims - 1) * dims;
  for (size_t a = 0; a < row.size; ++a) {
    const double scaled = curvature * static_cast<double>(row.values[a]);
    double* to = hessian.data() + static_cast<size_t>(row.indices[a]) * dims;
    for (size_t b = 0; b <= a; ++b) to[row.indices[b]] += scaled * static_cast<double>(row.values[b]);
    last[row.indices[a]] += scaled;
  }
  last[dims - 1] += curvature;
}

}  // namespace

Status CheckGlmRows(const SparseRows& x, GlmFamily family, std::span<const float> y, std::span<const float> weights, RowRange range,
                    CancelFlag cancel) {
  COUPONCAST_RETURN_IF_ERROR(CheckTargets(x, y, weights, range));
  for (int64_t i = range.begin; i < range.end; ++i) {
    const auto row = static_cast<size_t>(i);
    if ((i - range.begin) % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    const int64_t begin = x.indptr[row];
    const int64_t end = x.indptr[row + 1];
    if (begin < 0 || end < begin || end > x.indptr.back()) return BadRow(i, "an ascending indptr");
    int32_t previous = -1;
    for (auto k = static_cast<size_t>(begin); k < static_cast<size_t>(end); ++k) {
      if (x.indices[k] <= previous || x.indices[k] >= x.cols) {
        return BadRow(i, "columns strictly ascending in [0, " + std::to_string(x.cols) + ") but received " + std::to_string(x.indices[k]));
      }
      if (!std::isfinite(x.values[k])) return BadRow(i, "finite values");
      previous = x.indices[k];
    }
    if (!std::isfinite(y[row])) return BadRow(i, "a finite y");
    if (family == GlmFamily::kLogistic && y[row] != 0 && y[row] != 1)
      return BadRow(i, "a y of 0 or 1 but received " + std::to_string(y[row]));
    if (!weights.empty() && (!std::isfinite(weights[row]) || weights[row] < 0)) return BadRow(i, "a finite weight >= 0");
  }
  return {};
}

Status GlmPartial(const SparseRows& x, GlmFamily family, std::span<const float> y, std::span<const float> weights,
                  std::span<const double> beta, RowRange range, CancelFlag cancel, double* loss, std::span<double> gradient,
                  std::span<double> hessian) {
  COUPONCAST_RETURN_IF_ERROR(CheckTargets(x, y, weights, range));
  const auto dims = static_cast<size_t>(x.cols) + 1;
  COUPONCAST_RETURN_IF_ERROR(CheckSize("beta", beta.size(), x.cols + 1));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("gradient", gradient.size(), x.cols + 1));
  if (!hessian.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("hessian", hessian.size(), static_cast<int64_t>(dims * dims)));
  std::ranges::fill(gradient, 0.0);
  std::ranges::fill(hessian, 0.0);
  double sum = 0;
  // Of unweighted rows, the logarithm of a product is taken instead of the sum of logarithms.
  double product = 1;
  for (int64_t i = range.begin; i < range.end; ++i) {
    const auto at = static_cast<size_t>(i);
    if ((i - range.begin) % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    const Row row = RowOf(x, at);
    const double z = ScoreOf(row, beta);
    const auto target = static_cast<double>(y[at]);
    const double weight = weights.empty() ? 1.0 : static_cast<double>(weights[at]);
    double residual = z - target;
    double curvature = 1;
    if (family == GlmFamily::kGaussian) {
      sum += weight * (0.5 * residual * residual);
    } else {
      const double e = Exp(-std::fabs(z));
      const double p = z >= 0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
      residual = p - target;
      curvature = p * (1.0 - p);
      const double linear = std::max(z, 0.0) - target * z;
      if (weights.empty()) {
        sum += linear;
        product *= 1.0 + e;
        if ((i - range.begin) % kRowsPerLog == kRowsPerLog - 1) {
          sum += Log(product);
          product = 1;
        }
      } else {
        sum += weight * (linear + Log1p(e));
      }
    }
    residual *= weight;
    for (size_t k = 0; k < row.size; ++k) gradient[static_cast<size_t>(row.indices[k])] += residual * static_cast<double>(row.values[k]);
    gradient[dims - 1] += residual;
    if (!hessian.empty()) AddCurvature(row, weight * curvature, dims, hessian);
  }
  *loss = sum + Log(product);
  if (!hessian.empty()) {
    for (size_t a = 0; a < dims; ++a) {
      for (size_t b = 0; b < a; ++b) hessian[b * dims + a] = hessian[a * dims + b];
    }
  }
  return {};
}

Status GlmScores(const SparseRows& x, std::span<const double> beta, RowRange range, CancelFlag cancel, std::span<double> scores) {
  COUPONCAST_RETURN_IF_ERROR(CheckShape(x));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, x.rows()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("beta", beta.size(), x.cols + 1));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("scores", scores.size(), range.size()));
  for (int64_t i = range.begin; i < range.end; ++i) {
    if ((i - range.begin) % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    scores[static_cast<size_t>(i - range.begin)] = ScoreOf(RowOf(x, static_cast<size_t>(i)), beta);
  }
  return {};
}

Status ElasticNetStep(std::span<const double> hessian, std::span<const double> gradient, std::span<const double> beta, double l1,
                      double tolerance, int64_t max_sweeps, CancelFlag cancel, std::span<double> step) {
  const size_t n = gradient.size();
  COUPONCAST_RETURN_IF_ERROR(CheckSize("hessian", hessian.size(), static_cast<int64_t>(n * n)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("beta", beta.size(), static_cast<int64_t>(n)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("step", step.size(), static_cast<int64_t>(n)));
  for (size_t j = 0; j < n; ++j) {
    if (!(hessian[j * n + j] > 0)) return InvalidArgument("expected a positive diagonal");
  }
  std::ranges::fill(step, 0.0);
  std::vector<double> slope(gradient.begin(), gradient.end());  // gradient of the quadratic at the step so far
  for (int64_t sweep = 0; sweep < max_sweeps; ++sweep) {
    if (cancel.IsSet()) return Cancelled();
    double largest_move = 0;
    double largest_step = 0;
    for (size_t j = 0; j < n; ++j) {
      const double curvature = hessian[j * n + j];
      const double free = beta[j] + step[j] - slope[j] / curvature;
      const double threshold = j + 1 < n ? l1 / curvature : 0.0;
      const double shrunk = free > threshold ? free - threshold : (free < -threshold ? free + threshold : 0.0);
      const double move = shrunk - (beta[j] + step[j]);
      if (move != 0) {
        step[j] += move;
        const double* column = hessian.data() + j * n;
        for (size_t k = 0; k < n; ++k) slope[k] += move * column[k];
      }
      largest_move = std::max(largest_move, std::fabs(move));
      largest_step = std::max(largest_step, std::fabs(step[j]));
    }
    if (largest_move <= tolerance * largest_step) break;
  }
  return {};
}

Status FitIsotonic(std::span<const double> y, std::span<const double> weights, std::span<double> fitted) {
  const size_t n = y.size();
  COUPONCAST_RETURN_IF_ERROR(CheckSize("weights", weights.size(), static_cast<int64_t>(n)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("fitted", fitted.size(), static_cast<int64_t>(n)));
  struct Block {
    double mean;
    double weight;
    size_t end;
  };
  std::vector<Block> blocks;
  for (size_t i = 0; i < n; ++i) {
    if (!(weights[i] > 0) || !std::isfinite(weights[i]) || !std::isfinite(y[i])) {
      return BadRow(static_cast<int64_t>(i), "a finite y and a weight > 0");
    }
    blocks.push_back({y[i], weights[i], i + 1});
    while (blocks.size() > 1 && blocks[blocks.size() - 2].mean >= blocks.back().mean) {
      const Block top = blocks.back();
      blocks.pop_back();
      Block& below = blocks.back();
      const double weight = below.weight + top.weight;
      below = {(below.mean * below.weight + top.mean * top.weight) / weight, weight, top.end};
    }
  }
  size_t at = 0;
  for (const Block& block : blocks) {
    for (; at < block.end; ++at) fitted[at] = block.mean;
  }
  return {};
}

}  // namespace couponcast
