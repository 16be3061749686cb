#include "factor/row_system.h"

#include <algorithm>
#include <cmath>

#include "factor/dense_rows.h"

namespace couponcast {
namespace {

// Of gathered rows: read in order, they cost less than from where they were gathered, beyond the second cache too.
constexpr int64_t kTileFloats = 1 << 20;
constexpr size_t kRowsAhead = 256;  // of the row that comes next
// Fetched at a time: more would hold up the sums until the memory had taken them all.
constexpr size_t kRowsFetched = 8;
constexpr int64_t kBlocksPerPoll = 64;
// Squared norm of a residual below which there is nothing left to gain.
constexpr double kSolved = 1e-20;

double Dot(const std::vector<float>& a, const std::vector<float>& b) {
  float dot = 0;
  RowDots({a.data(), 1, static_cast<int64_t>(a.size())}, b.data(), &dot);
  return static_cast<double>(dot);
}

// y += a x
void AddScaled(double a, const std::vector<float>& x, std::vector<float>* y) {
  const auto factor = static_cast<float>(a);
  for (size_t i = 0; i < x.size(); ++i) (*y)[i] += factor * x[i];
}

}  // namespace

RowSystem::RowSystem(std::span<const float> others, std::span<const double> gram, const AlsParams& params)
    : others_(others),
      params_(params),
      factors_(params.factors),
      width_(PaddedWidth(params.factors)),
      tile_rows_(std::max(kBlockRows, kTileFloats / width_ / kBlockRows * kBlockRows)),
      gram_(static_cast<size_t>(width_ * width_), 0.0F),
      weights_(static_cast<size_t>(kBlockRows)) {
  for (int64_t row = 0; row < factors_; ++row) {
    for (int64_t col = 0; col < factors_; ++col) {
      const double sum = gram[static_cast<size_t>(row * factors_ + col)] + (row == col ? params.regularisation : 0.0);
      gram_[static_cast<size_t>(row * width_ + col)] = static_cast<float>(sum);
    }
  }
  for (auto* vector : {&x_, &p_, &residual_, &product_, &partial_}) vector->resize(static_cast<size_t>(width_));
  if (params.solver == AlsSolver::kCholesky) squares_.resize(gram_.size());
}

void RowSystem::SetWeights(std::span<const float> values) {
  const auto alpha = static_cast<float>(params_.alpha);
  extra_.resize(values.size());
  target_.resize(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    extra_[i] = alpha * std::fabs(values[i]);
    target_[i] = values[i] > 0 ? 1.0F + extra_[i] : 0.0F;
  }
}

// Into the second cache: the first is full of what is worked on.
void RowSystem::Prefetch(std::span<const int32_t> items) const {
  for (const int32_t item : items) {
    const float* row = RowOf(item);
    for (int64_t at = 0; at < factors_; at += kLane) __builtin_prefetch(row + at, 0, 2);
  }
}

const float* RowSystem::Rows(std::span<const int32_t> items, int64_t begin, int64_t count) {
  const bool fits = std::ssize(items) <= tile_rows_;
  float* block = tile_.data() + (fits ? begin * width_ : 0);
  if (fits && begin < fetched_) return block;
  const auto own = items.subspan(static_cast<size_t>(begin));
  const auto after = own.subspan(static_cast<size_t>(count));
  for (int64_t cell = 0; cell < count; ++cell) std::copy_n(RowOf(own[static_cast<size_t>(cell)]), factors_, block + cell * width_);
  fetched_ = begin + count;
  if (fetched_ >= ahead_own_) Prefetch(after.first(std::min(after.size(), static_cast<size_t>(kBlockRows))));
  return block;
}

void RowSystem::PrefetchNext() {
  const size_t limit = std::min(next_.size(), kRowsAhead);
  if (ahead_ >= limit) return;
  const size_t count = std::min(kRowsFetched, limit - ahead_);
  Prefetch(next_.subspan(ahead_, count));
  ahead_ += count;
}

Status RowSystem::Multiply(std::span<const int32_t> items, const std::vector<float>& p, bool residual, CancelFlag cancel) {
  std::ranges::fill(product_, 0.0F);
  AddWeightedRows({gram_.data(), width_, width_}, p.data(), product_.data());
  if (residual) {
    for (float& value : product_) value = -value;
  }
  const int64_t size = std::ssize(items);
  for (int64_t begin = 0; begin < size; begin += kBlockRows) {
    if (begin / kBlockRows % kBlocksPerPoll == kBlocksPerPoll - 1 && cancel.IsSet()) return Cancelled();
    const int64_t count = std::min(kBlockRows, size - begin);
    const DenseRows rows{Rows(items, begin, count), count, width_};
    PrefetchNext();
    RowDots(rows, p.data(), weights_.data());
    const float* extra = extra_.data() + begin;
    const float* target = target_.data() + begin;
    if (residual) {
      for (size_t i = 0; i < static_cast<size_t>(count); ++i) weights_[i] = target[i] - extra[i] * weights_[i];
    } else {
      for (size_t i = 0; i < static_cast<size_t>(count); ++i) weights_[i] = extra[i] * weights_[i];
    }
    PrefetchNext();
    AddWeightedRows(rows, weights_.data(), product_.data());
  }
  return {};
}

Status RowSystem::ConjugateGradient(std::span<const int32_t> items, CancelFlag cancel) {
  COUPONCAST_RETURN_IF_ERROR(Multiply(items, x_, true, cancel));
  residual_ = product_;
  p_ = residual_;
  double norm = Dot(residual_, residual_);
  for (int64_t step = 0; step < params_.steps && norm >= kSolved; ++step) {
    COUPONCAST_RETURN_IF_ERROR(Multiply(items, p_, false, cancel));
    const double curvature = Dot(p_, product_);
    if (!(curvature > 0)) break;
    const double length = norm / curvature;
    if (!std::isfinite(length)) break;
    AddScaled(length, p_, &x_);
    AddScaled(-length, product_, &residual_);
    const double next = Dot(residual_, residual_);
    const auto turn = static_cast<float>(next / norm);
    for (size_t i = 0; i < p_.size(); ++i) p_[i] = residual_[i] + turn * p_[i];
    norm = next;
  }
  return {};
}

// U'U = A by rows of the upper triangle; a direction that nothing determines gets 0.
Status RowSystem::Cholesky(std::span<const int32_t> items, CancelFlag cancel) {
  squares_ = gram_;
  std::ranges::fill(product_, 0.0F);
  const int64_t size = std::ssize(items);
  for (int64_t begin = 0; begin < size; begin += kBlockRows) {
    if (cancel.IsSet()) return Cancelled();
    const int64_t count = std::min(kBlockRows, size - begin);
    const DenseRows rows{Rows(items, begin, count), count, width_};
    AddWeightedSquares(rows, extra_.data() + begin, squares_.data());
    AddWeightedRows(rows, target_.data() + begin, product_.data());
  }
  for (int64_t k = 0; k < factors_; ++k) p_[static_cast<size_t>(k)] = squares_[static_cast<size_t>(k * width_ + k)];
  for (int64_t k = 0; k < factors_; ++k) {
    float* row = squares_.data() + k * width_;
    const float pivot = row[k];
    // What is left of the diagonal is more than rounding.
    const bool determined = pivot > 1e-6F * p_[static_cast<size_t>(k)] && std::isfinite(pivot);
    const float scale = determined ? 1.0F / std::sqrt(pivot) : 0.0F;
    for (int64_t j = k; j < factors_; ++j) row[j] *= scale;
    x_[static_cast<size_t>(k)] = product_[static_cast<size_t>(k)] * scale;
    if (!determined) continue;
    for (int64_t i = k + 1; i < factors_; ++i) {
      float* below = squares_.data() + i * width_;
      const float factor = row[i];
      for (int64_t j = i / kLane * kLane; j < width_; ++j) below[j] -= factor * row[j];
      product_[static_cast<size_t>(i)] -= factor * x_[static_cast<size_t>(k)];
    }
  }
  for (int64_t k = factors_ - 1; k >= 0; --k) {
    const float* row = squares_.data() + k * width_;
    float sum = x_[static_cast<size_t>(k)];
    for (int64_t j = k + 1; j < factors_; ++j) sum -= row[j] * x_[static_cast<size_t>(j)];
    x_[static_cast<size_t>(k)] = row[k] > 0 ? sum / row[k] : 0.0F;
  }
  return {};
}

Status RowSystem::Solve(std::span<const int32_t> items, std::span<const float> values, std::span<const int32_t> next, CancelFlag cancel,
                        float* x) {
  if (items.empty()) {
    std::fill_n(x, factors_, 0.0F);
    return {};
  }
  const auto rows = static_cast<size_t>(std::max(kBlockRows, std::min(std::ssize(items), tile_rows_)) * width_);
  if (tile_.size() < rows) tile_.resize(rows, 0.0F);
  fetched_ = 0;
  next_ = next;
  ahead_own_ = static_cast<int64_t>(ahead_);
  ahead_ = 0;
  SetWeights(values);
  std::copy_n(x, factors_, x_.data());
  COUPONCAST_RETURN_IF_ERROR(params_.solver == AlsSolver::kCholesky ? Cholesky(items, cancel) : ConjugateGradient(items, cancel));
  std::copy_n(x_.data(), factors_, x);
  return {};
}

}  // namespace couponcast
