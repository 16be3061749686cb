#include <array>

#include "response/strata_block.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/response/strata_likelihood.cc"
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

void BlockLikelihoodImpl(const uint8_t* outcomes, size_t count, size_t logits, bool wants_weights, BlockRows* rows) {
  logits == 1 ? LogisticLikelihood(outcomes, count, wants_weights, rows) : StrataLikelihood(outcomes, count, wants_weights, rows);
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(BlockLikelihoodImpl);

void BlockLikelihood(const uint8_t* outcomes, size_t count, size_t logits, bool wants_weights, BlockRows* rows) {
  HWY_DYNAMIC_DISPATCH(BlockLikelihoodImpl)(outcomes, count, logits, wants_weights, rows);
}

}  // namespace couponcast
#endif  // HWY_ONCE
