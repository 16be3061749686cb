#include "factor/row_system.h"

#include <algorithm>
#include <cmath>

#include "factor/dense_rows.h"

namespace couponcast {
namespace {

// Of picked rows: read in order, they cost less than from where they were picked, beyond the second cache too.
constexpr int64_t kTileFloats = 1 << 20;
constexpr size_t kCellsAhead = 64;
constexpr int64_t kBlocksPerPoll = 64;
// Squared norm of a residual below which there is nothing left to gain.
constexpr double kSolved = 1e-20;

// Of widths that are multiples of kLane.
double Dot(const float* a, const float* b, int64_t width) {
  float dot = 0;
  RowDots({a, 1, width}, b, &dot);
  return static_cast<double>(dot);
}

// y += a x
void AddScaled(double a, const hwy::AlignedVector<float>& x, float* y) {
  const auto factor = static_cast<float>(a);
  AddWeightedRows({x.data(), 1, std::ssize(x)}, &factor, y);
}

}  // namespace

RowSystem::RowSystem(std::span<const float> table, const AlsParams& params)
    : table_(table),
      params_(params),
      factors_(params.factors),
      width_(PaddedWidth(params.factors)),
      tile_rows_(std::max(kBlockRows, kTileFloats / width_ / kBlockRows * kBlockRows)),
      dots_(static_cast<size_t>(kBlockRows)),
      weights_(static_cast<size_t>(kBlockRows)) {
  for (auto* vector : {&p_, &residual_, &product_}) vector->resize(static_cast<size_t>(width_));
  if (params.solver == AlsSolver::kCholesky) squares_.resize(static_cast<size_t>(width_ * width_));
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

template <typename Use>
Status RowSystem::ForEachBlock(const float* p, CancelFlag cancel, const Use& use) {
  const int64_t size = std::ssize(items_);
  const bool fits = size <= tile_rows_;
  for (int64_t begin = 0; begin < size; begin += kBlockRows) {
    if (begin / kBlockRows % kBlocksPerPoll == kBlocksPerPoll - 1 && cancel.IsSet()) return Cancelled();
    const int64_t count = std::min(kBlockRows, size - begin);
    float* rows = tile_.data() + (fits ? begin * width_ : 0);
    if (picked_) {
      RowDots({rows, count, width_}, p, dots_.data());
    } else {
      const auto at = static_cast<size_t>(begin);
      const auto numbers = items_.subspan(at, static_cast<size_t>(count));
      const auto ahead = following_.subspan(std::min(at + kCellsAhead, following_.size()));
      PickRowDots({table_.data(), numbers, ahead, width_}, p, rows, dots_.data());
    }
    use(Block{begin, count, rows});
  }
  picked_ = fits;
  return {};
}

Status RowSystem::ConjugateGradient(CancelFlag cancel, float* w) {
  for (size_t i = 0; i < residual_.size(); ++i) residual_[i] = -w[i];
  COUPONCAST_RETURN_IF_ERROR(ForEachBlock(w, cancel, [&](const Block& block) {
    const float* extra = extra_.data() + block.begin;
    const float* target = target_.data() + block.begin;
    for (size_t i = 0; i < static_cast<size_t>(block.count); ++i) weights_[i] = target[i] - extra[i] * dots_[i];
    AddWeightedRows({block.rows, block.count, width_}, weights_.data(), residual_.data());
  }));
  p_ = residual_;
  double norm = Dot(residual_.data(), residual_.data(), width_);
  for (int64_t step = 1; norm >= kSolved; ++step) {
    const bool last = step == params_.steps;
    product_ = p_;
    double curvature = Dot(p_.data(), p_.data(), width_);
    COUPONCAST_RETURN_IF_ERROR(ForEachBlock(p_.data(), cancel, [&](const Block& block) {
      const float* extra = extra_.data() + block.begin;
      const auto count = static_cast<size_t>(block.count);
      for (size_t i = 0; i < count; ++i) weights_[i] = extra[i] * dots_[i];
      for (size_t i = count; i % kLane != 0; ++i) weights_[i] = dots_[i] = 0;
      curvature += Dot(weights_.data(), dots_.data(), PaddedWidth(block.count));
      if (!last) AddWeightedRows({block.rows, block.count, width_}, weights_.data(), product_.data());
    }));
    const double length = norm / curvature;
    if (!std::isfinite(length)) break;
    AddScaled(length, p_, w);
    if (last) break;
    AddScaled(-length, product_, residual_.data());
    const double next = Dot(residual_.data(), residual_.data(), width_);
    const auto turn = static_cast<float>(next / norm);
    for (size_t i = 0; i < p_.size(); ++i) p_[i] = residual_[i] + turn * p_[i];
    norm = next;
  }
  return {};
}

// U'U = A by rows of the upper triangle; a direction that nothing determines gets 0.
Status RowSystem::Cholesky(CancelFlag cancel, float* w) {
  std::ranges::fill(squares_, 0.0F);
  for (int64_t k = 0; k < factors_; ++k) squares_[static_cast<size_t>(k * (width_ + 1))] = 1;
  std::ranges::fill(product_, 0.0F);
  COUPONCAST_RETURN_IF_ERROR(ForEachBlock(w, cancel, [&](const Block& block) {
    const DenseRows rows{block.rows, block.count, width_};
    AddWeightedSquares(rows, extra_.data() + block.begin, squares_.data());
    AddWeightedRows(rows, target_.data() + block.begin, product_.data());
  }));
  for (int64_t k = 0; k < factors_; ++k) p_[static_cast<size_t>(k)] = squares_[static_cast<size_t>(k * width_ + k)];
  for (int64_t k = 0; k < factors_; ++k) {
    float* row = squares_.data() + k * width_;
    const float pivot = row[k];
    // What is left of the diagonal is more than rounding.
    const bool determined = pivot > 1e-6F * p_[static_cast<size_t>(k)] && std::isfinite(pivot);
    const float scale = determined ? 1.0F / std::sqrt(pivot) : 0.0F;
    for (int64_t j = k; j < factors_; ++j) row[j] *= scale;
    w[k] = product_[static_cast<size_t>(k)] * scale;
    if (!determined) continue;
    for (int64_t i = k + 1; i < factors_; ++i) {
      float* below = squares_.data() + i * width_;
      const float factor = row[i];
      for (int64_t j = i / kLane * kLane; j < width_; ++j) below[j] -= factor * row[j];
      product_[static_cast<size_t>(i)] -= factor * w[k];
    }
  }
  for (int64_t k = factors_ - 1; k >= 0; --k) {
    const float* row = squares_.data() + k * width_;
    float sum = w[k];
    for (int64_t j = k + 1; j < factors_; ++j) sum -= row[j] * w[j];
    w[k] = row[k] > 0 ? sum / row[k] : 0.0F;
  }
  return {};
}

Status RowSystem::Solve(std::span<const int32_t> items, std::span<const float> values, std::span<const int32_t> following,
                        CancelFlag cancel, float* w) {
  if (items.empty()) {
    std::fill_n(w, width_, 0.0F);
    return {};
  }
  const auto rows = static_cast<size_t>(std::max(kBlockRows, std::min(std::ssize(items), tile_rows_)) * width_);
  if (tile_.size() < rows) tile_.resize(rows);
  items_ = items;
  following_ = following;
  picked_ = false;
  SetWeights(values);
  return params_.solver == AlsSolver::kCholesky ? Cholesky(cancel, w) : ConjugateGradient(cancel, w);
}

}  // namespace couponcast
