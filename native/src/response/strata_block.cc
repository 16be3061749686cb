#include "response/strata_block.h"

#include <algorithm>
#include <array>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/response/strata_block.cc"
#include <hwy/foreach_target.h>
// These must come behind foreach_target.h.
#include <hwy/highway.h>

#include "base/vector_math-inl.h"

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

// A logit's chance, that of the opposite, and -ln of the latter.
struct Chance {
  V yes;
  V no;
  V softplus;
};

HWY_INLINE Chance ChanceOf(V z) {
  const V one = hn::Set(kD, 1.0);
  const V e = ExpOfNegative(kD, hn::Neg(hn::Abs(z)));
  const V larger = hn::Div(one, hn::Add(one, e));
  const V smaller = hn::Mul(e, larger);
  const auto positive = hn::Ge(z, hn::Zero(kD));
  return {hn::IfThenElse(positive, larger, smaller), hn::IfThenElse(positive, smaller, larger),
          hn::Add(hn::Max(z, hn::Zero(kD)), Log1pOfUnit(kD, e))};
}

// What the outcomes of some rows are, as 0 or 1.
struct Flags {
  V own;  // whether the row is the block's
  V treated;
  V bought;
  V redeemed;
};

HWY_INLINE Flags FlagsOf(const uint8_t* outcomes, size_t first, size_t count) {
  const size_t lanes = hn::Lanes(kD);
  HWY_ALIGN std::array<std::array<double, kSumLanes>, 4> flags = {};
  for (size_t j = 0; j < lanes && first + j < count; ++j) {
    const auto outcome = static_cast<Outcome>(outcomes[first + j]);
    flags[0][j] = 1;
    flags[1][j] = outcome >= Outcome::kIdle ? 1 : 0;
    flags[2][j] = outcome == Outcome::kControlIdle || outcome == Outcome::kIdle ? 0 : 1;
    flags[3][j] = outcome == Outcome::kRedeemed ? 1 : 0;
  }
  return {hn::Load(kD, flags[0].data()), hn::Load(kD, flags[1].data()), hn::Load(kD, flags[2].data()), hn::Load(kD, flags[3].data())};
}

HWY_INLINE void AddLoss(V loss, V own, size_t r, BlockRows* rows) {
  double* to = rows->loss.data() + r % kSumLanes;
  hn::Store(hn::Add(hn::Load(kD, to), hn::Mul(own, loss)), kD, to);
}

HWY_INLINE void LogisticLikelihood(const uint8_t* outcomes, size_t count, bool wants_weights, BlockRows* HWY_RESTRICT rows) {
  for (size_t r = 0; r < kBlock; r += hn::Lanes(kD)) {
    const Flags is = FlagsOf(outcomes, r, count);
    const V z = hn::Load(kD, rows->logits[0].data() + r);
    const Chance a = ChanceOf(z);
    AddLoss(hn::Sub(a.softplus, hn::Mul(is.bought, z)), is.own, r, rows);
    hn::Store(hn::Mul(is.own, hn::Sub(a.yes, is.bought)), kD, rows->residuals[0].data() + r);
    if (wants_weights) hn::Store(hn::Mul(is.own, hn::Mul(a.yes, a.no)), kD, rows->weights[0].data() + r);
  }
}

// Adds chance * g g' of an outcome with the derivatives g of the logarithm of its chance.
HWY_INLINE void AddOutcome(V chance, V by_a, V by_u, V by_s, std::array<V, kMaxPairs>* weights) {
  const V a = hn::Mul(chance, by_a);
  const V u = hn::Mul(chance, by_u);
  const V s = hn::Mul(chance, by_s);
  auto& w = *weights;
  w[0] = hn::Add(w[0], hn::Mul(a, by_a));
  w[1] = hn::Add(w[1], hn::Mul(u, by_a));
  w[2] = hn::Add(w[2], hn::Mul(u, by_u));
  w[3] = hn::Add(w[3], hn::Mul(s, by_a));
  w[4] = hn::Add(w[4], hn::Mul(s, by_u));
  w[5] = hn::Add(w[5], hn::Mul(s, by_s));
}

HWY_INLINE void StrataLikelihood(const uint8_t* outcomes, size_t count, bool wants_weights, BlockRows* HWY_RESTRICT rows) {
  const V zero = hn::Zero(kD);
  const V one = hn::Set(kD, 1.0);
  for (size_t r = 0; r < kBlock; r += hn::Lanes(kD)) {
    const Flags is = FlagsOf(outcomes, r, count);
    const V za = hn::Load(kD, rows->logits[0].data() + r);
    const V zu = hn::Load(kD, rows->logits[1].data() + r);
    const V zs = hn::Load(kD, rows->logits[2].data() + r);
    const Chance a = ChanceOf(za);
    const Chance u = ChanceOf(zu);
    const Chance s = ChanceOf(zs);
    // Of the redeemed: ln of a u and of (1 - a) s, without the ln(1 - a) that both have; the share of the first.
    const V anyway = hn::Sub(hn::Add(za, zu), u.softplus);
    const V persuaded = hn::Sub(zs, s.softplus);
    const V difference = hn::Sub(anyway, persuaded);
    const Chance share = ChanceOf(difference);
    const V redeemed_loss = hn::Sub(hn::Sub(a.softplus, persuaded), share.softplus);
    const V treated_loss = hn::Add(hn::Mul(is.bought, u.softplus), hn::Mul(hn::Sub(one, is.bought), s.softplus));
    const V other_loss = hn::Add(hn::Sub(a.softplus, hn::Mul(is.bought, za)), hn::Mul(is.treated, treated_loss));
    const auto redeemed = hn::Gt(is.redeemed, zero);
    AddLoss(hn::IfThenElse(redeemed, redeemed_loss, other_loss), is.own, r, rows);

    const V buys_anyway = hn::IfThenElse(redeemed, share.yes, is.bought);
    const V would_not = hn::IfThenElse(redeemed, share.no, hn::Sub(one, is.bought));
    hn::Store(hn::Mul(is.own, hn::Sub(a.yes, buys_anyway)), kD, rows->residuals[0].data() + r);
    hn::Store(hn::Mul(is.treated, hn::Mul(buys_anyway, hn::Sub(u.yes, is.redeemed))), kD, rows->residuals[1].data() + r);
    hn::Store(hn::Mul(is.treated, hn::Mul(would_not, hn::Sub(s.yes, is.redeemed))), kD, rows->residuals[2].data() + r);
    if (!wants_weights) continue;

    std::array<V, kMaxPairs> weights;
    weights.fill(zero);
    const V redeems = hn::Add(hn::Mul(a.yes, u.yes), hn::Mul(a.no, s.yes));
    AddOutcome(redeems, hn::Sub(share.yes, a.yes), hn::Mul(share.yes, u.no), hn::Mul(share.no, s.no), &weights);
    AddOutcome(hn::Mul(a.yes, u.no), a.no, hn::Neg(u.yes), zero, &weights);
    AddOutcome(hn::Mul(a.no, s.no), hn::Neg(a.yes), zero, hn::Neg(s.yes), &weights);
    const V control = hn::Mul(a.yes, a.no);
    weights[0] = hn::IfThenElse(hn::Gt(is.treated, zero), weights[0], hn::Mul(is.own, control));
    hn::Store(weights[0], kD, rows->weights[0].data() + r);
    for (size_t q = 1; q < kMaxPairs; ++q) hn::Store(hn::Mul(is.treated, weights[q]), kD, rows->weights[q].data() + r);
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

void BlockLikelihoodImpl(const uint8_t* outcomes, size_t count, size_t logits, bool wants_weights, BlockRows* rows) {
  logits == 1 ? LogisticLikelihood(outcomes, count, wants_weights, rows) : StrataLikelihood(outcomes, count, wants_weights, rows);
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
HWY_EXPORT(BlockLikelihoodImpl);
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

void BlockLikelihood(const uint8_t* outcomes, size_t count, size_t logits, bool wants_weights, BlockRows* rows) {
  HWY_DYNAMIC_DISPATCH(BlockLikelihoodImpl)(outcomes, count, logits, wants_weights, rows);
}

void AddGradient(const DesignShape& shape, const DesignBlock& block, const BlockRows& rows, size_t logits, GradientSums* sums) {
  HWY_DYNAMIC_DISPATCH(AddGradientImpl)(shape, block, rows, logits, sums);
}

void AddInformation(const DesignShape& shape, const DesignBlock& block, const BlockRows& rows, size_t pairs, InformationSums* sums) {
  HWY_DYNAMIC_DISPATCH(AddInformationImpl)(shape, block, rows, pairs, sums);
}

}  // namespace couponcast
#endif  // HWY_ONCE
