#include "response/strata_block.h"

#include <array>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/response/strata_block.cc"
#include <hwy/foreach_target.h>
// These must come behind foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<double, kSumLanes>;
using V = hn::Vec<D>;
constexpr D kD;

HWY_INLINE V LoadFloats(const float* from) { return hn::PromoteTo(kD, hn::LoadU(hn::Rebind<float, D>(), from)); }

template <size_t kLogits>
HWY_INLINE void LogitsOf(const DesignShape& shape, const DesignBlock& block, const double* HWY_RESTRICT beta,
                         BlockRows* HWY_RESTRICT rows) {
  const size_t lanes = hn::Lanes(kD);
  const size_t dims = shape.dims();
  for (size_t r = 0; r < kBlock; r += 2 * lanes) {
    std::array<std::array<V, 2>, kLogits> sums;
    for (size_t p = 0; p < kLogits; ++p) sums[p][0] = sums[p][1] = hn::Set(kD, beta[p * dims + shape.cols]);
    for (size_t c = 0; c < shape.dense; ++c) {
      const V first = LoadFloats(block.dense + c * kBlock + r);
      const V second = LoadFloats(block.dense + c * kBlock + r + lanes);
      for (size_t p = 0; p < kLogits; ++p) {
        const V b = hn::Set(kD, beta[p * dims + c]);
        sums[p][0] = hn::Add(sums[p][0], hn::Mul(first, b));
        sums[p][1] = hn::Add(sums[p][1], hn::Mul(second, b));
      }
    }
    for (size_t p = 0; p < kLogits; ++p) {
      hn::Store(sums[p][0], kD, rows->logits[p].data() + r);
      hn::Store(sums[p][1], kD, rows->logits[p].data() + r + lanes);
    }
  }
  for (size_t r = 0; r < block.count; ++r) {
    std::array<double, kLogits> sums;
    for (size_t p = 0; p < kLogits; ++p) sums[p] = rows->logits[p][r];
    for (size_t k = 0; k < shape.slots; ++k) {
      const auto value = static_cast<double>(block.slot_values[k]);
      const auto column = static_cast<size_t>(block.indices[r * shape.slots + k]);
      for (size_t p = 0; p < kLogits; ++p) sums[p] += value * beta[p * dims + column];
    }
    for (size_t p = 0; p < kLogits; ++p) rows->logits[p][r] = sums[p];
  }
}

// sums[p][8] += of 64 rows  by[p][row] * column[row].
template <size_t kCount>
HWY_INLINE void AddProducts(const BlockColumn* HWY_RESTRICT by, const float* HWY_RESTRICT column, double* HWY_RESTRICT sums,
                            size_t stride) {
  const size_t lanes = hn::Lanes(kD);
  for (size_t h = 0; h < kSumLanes; h += lanes) {
    std::array<V, kCount> lane_sums;
    for (size_t p = 0; p < kCount; ++p) lane_sums[p] = hn::Load(kD, sums + p * stride + h);
    for (size_t r = h; r < kBlock; r += kSumLanes) {
      const V x = LoadFloats(column + r);
      for (size_t p = 0; p < kCount; ++p) lane_sums[p] = hn::Add(lane_sums[p], hn::Mul(hn::Load(kD, by[p].data() + r), x));
    }
    for (size_t p = 0; p < kCount; ++p) hn::Store(lane_sums[p], kD, sums + p * stride + h);
  }
}

constexpr std::array<float, kBlock> Ones() {
  std::array<float, kBlock> ones = {};
  ones.fill(1.0F);
  return ones;
}
constexpr std::array<float, kBlock> kOnes = Ones();

HWY_INLINE const float* ColumnOf(const DesignShape& shape, const DesignBlock& block, size_t column) {
  return column < shape.dense ? block.dense + column * kBlock : kOnes.data();
}

template <size_t kLogits>
HWY_INLINE void GradientOf(const DesignShape& shape, const DesignBlock& block, const BlockRows& rows, GradientSums* sums) {
  for (size_t c = 0; c < shape.padded(); ++c) {
    AddProducts<kLogits>(rows.residuals.data(), ColumnOf(shape, block, c), sums->dense.data() + c * kSumLanes, shape.padded() * kSumLanes);
  }
  const size_t width = shape.cols - shape.dense;
  double* HWY_RESTRICT slots = sums->slots.data();
  for (size_t r = 0; r < block.count; ++r) {
    for (size_t k = 0; k < shape.slots; ++k) {
      const auto value = static_cast<double>(block.slot_values[k]);
      const size_t column = static_cast<size_t>(block.indices[r * shape.slots + k]) - shape.dense;
      for (size_t p = 0; p < kLogits; ++p) slots[p * width + column] += value * rows.residuals[p][r];
    }
  }
}

template <size_t kPairs>
HWY_INLINE void DenseInformation(const DesignShape& shape, const DesignBlock& block, const BlockRows& rows, InformationSums* sums) {
  HWY_ALIGN std::array<BlockColumn, kPairs> scaled;
  double* to = sums->dense.data();
  for (size_t i = 0; i < shape.padded(); ++i) {
    const float* column = ColumnOf(shape, block, i);
    for (size_t q = 0; q < kPairs; ++q) {
      for (size_t r = 0; r < kBlock; r += hn::Lanes(kD)) {
        hn::Store(hn::Mul(hn::Load(kD, rows.weights[q].data() + r), LoadFloats(column + r)), kD, scaled[q].data() + r);
      }
    }
    for (size_t j = 0; j <= i; ++j, to += kPairs * kSumLanes) {
      AddProducts<kPairs>(scaled.data(), ColumnOf(shape, block, j), to, kSumLanes);
    }
  }
}

template <size_t kPairs>
HWY_INLINE void SlotInformation(const DesignShape& shape, const DesignBlock& block, const BlockRows& rows, InformationSums* sums) {
  const size_t padded = shape.padded();
  hwy::AlignedVector<double> row(padded);
  for (size_t r = 0; r < block.count; ++r) {
    for (size_t c = 0; c < padded; ++c) row[c] = static_cast<double>(ColumnOf(shape, block, c)[r]);
    const int32_t* indices = block.indices + r * shape.slots;
    for (size_t k = 0; k < shape.slots; ++k) {
      const size_t column = static_cast<size_t>(indices[k]) - shape.dense;
      std::array<double, kPairs> scaled;
      for (size_t q = 0; q < kPairs; ++q) scaled[q] = rows.weights[q][r] * static_cast<double>(block.slot_values[k]);
      double* HWY_RESTRICT mixed = sums->mixed.data() + column * kPairs * padded;
      const double* HWY_RESTRICT from = row.data();
      for (size_t q = 0; q < kPairs; ++q) {
        for (size_t c = 0; c < padded; ++c) mixed[q * padded + c] += scaled[q] * from[c];
      }
      for (size_t l = 0; l <= k; ++l) {
        const size_t other = static_cast<size_t>(indices[l]) - shape.dense;
        double* HWY_RESTRICT to = sums->slots.data() + (Triangle(column) + other) * kPairs;
        for (size_t q = 0; q < kPairs; ++q) to[q] += scaled[q] * static_cast<double>(block.slot_values[l]);
      }
    }
  }
}

void BlockLogitsImpl(const DesignShape& shape, const DesignBlock& block, const double* beta, size_t logits, BlockRows* rows) {
  logits == 1 ? LogitsOf<1>(shape, block, beta, rows) : LogitsOf<kMaxLogits>(shape, block, beta, rows);
}

void AddGradientImpl(const DesignShape& shape, const DesignBlock& block, const BlockRows& rows, size_t logits, GradientSums* sums) {
  logits == 1 ? GradientOf<1>(shape, block, rows, sums) : GradientOf<kMaxLogits>(shape, block, rows, sums);
}

void AddInformationImpl(const DesignShape& shape, const DesignBlock& block, const BlockRows& rows, size_t pairs, InformationSums* sums) {
  if (pairs == 1) {
    DenseInformation<1>(shape, block, rows, sums);
    SlotInformation<1>(shape, block, rows, sums);
  } else {
    DenseInformation<kMaxPairs>(shape, block, rows, sums);
    SlotInformation<kMaxPairs>(shape, block, rows, sums);
  }
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(BlockLogitsImpl);
HWY_EXPORT(AddGradientImpl);
HWY_EXPORT(AddInformationImpl);

GradientSums::GradientSums(const DesignShape& shape, size_t logits)
    : dense(logits * shape.padded() * kSumLanes), slots(logits * (shape.cols - shape.dense)) {}

InformationSums::InformationSums(const DesignShape& shape, size_t pairs)
    : dense(Triangle(shape.padded()) * pairs * kSumLanes),
      mixed((shape.cols - shape.dense) * pairs * shape.padded()),
      slots(Triangle(shape.cols - shape.dense) * pairs) {}

void BlockLogits(const DesignShape& shape, const DesignBlock& block, const double* beta, size_t logits, BlockRows* rows) {
  HWY_DYNAMIC_DISPATCH(BlockLogitsImpl)(shape, block, beta, logits, rows);
}

void AddGradient(const DesignShape& shape, const DesignBlock& block, const BlockRows& rows, size_t logits, GradientSums* sums) {
  HWY_DYNAMIC_DISPATCH(AddGradientImpl)(shape, block, rows, logits, sums);
}

void AddInformation(const DesignShape& shape, const DesignBlock& block, const BlockRows& rows, size_t pairs, InformationSums* sums) {
  HWY_DYNAMIC_DISPATCH(AddInformationImpl)(shape, block, rows, pairs, sums);
}

}  // namespace couponcast
#endif  // HWY_ONCE
