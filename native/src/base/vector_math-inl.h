// exp and log lane by lane, with the bits of portable_math.h on every target: the same operations in the same order.
#if defined(COUPONCAST_BASE_VECTOR_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUPONCAST_BASE_VECTOR_MATH_INL_H_
#undef COUPONCAST_BASE_VECTOR_MATH_INL_H_
#else
#define COUPONCAST_BASE_VECTOR_MATH_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Exp(x) of x <= 0.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ExpOfNegative(D d, V x) {
  const hn::RebindToSigned<D> di;
  const hn::Rebind<int32_t, D> d32;
  const V lowest = hn::Set(d, -700.0);
  const V clamped = hn::Max(x, lowest);
  const V n = hn::Round(hn::Mul(clamped, hn::Set(d, 1.4426950408889634)));
  const V r =
      hn::Sub(hn::Sub(clamped, hn::Mul(n, hn::Set(d, 0.693147180369123816490))), hn::Mul(n, hn::Set(d, 1.90821492927058770002e-10)));
  V term = hn::Set(d, 1.0);
  V sum = term;
  for (int i = 1; i <= 14; ++i) {
    term = hn::Mul(term, hn::Div(r, hn::Set(d, static_cast<double>(i))));
    sum = hn::Add(sum, term);
  }
  const auto exponent = hn::Add(hn::PromoteTo(di, hn::DemoteTo(d32, n)), hn::Set(di, int64_t{1023}));
  const V scale = hn::BitCast(d, hn::ShiftLeft<52>(exponent));
  return hn::IfThenElseZero(hn::Gt(x, lowest), hn::Mul(sum, scale));
}

// Log1p(x) of x in [0, 1].
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Log1pOfUnit(D d, V x) {
  const V one = hn::Set(d, 1.0);
  const auto small = hn::Lt(x, hn::Set(d, 0.4));
  const V whole = hn::Add(one, x);
  const auto halved = hn::AndNot(small, hn::Gt(whole, hn::Set(d, 1.4142135623730951)));
  const V m = hn::IfThenElse(halved, hn::Mul(whole, hn::Set(d, 0.5)), whole);
  const V s = hn::Div(hn::IfThenElse(small, x, hn::Sub(m, one)), hn::IfThenElse(small, hn::Add(hn::Set(d, 2.0), x), hn::Add(m, one)));
  const V s2 = hn::Mul(s, s);
  V power = s;
  V sum = hn::Zero(d);
  for (int i = 1; i <= 25; i += 2) {
    sum = hn::Add(sum, hn::Div(power, hn::Set(d, static_cast<double>(i))));
    power = hn::Mul(power, s2);
  }
  return hn::Add(hn::Mul(hn::Set(d, 2.0), sum), hn::IfThenElseZero(halved, hn::Set(d, 0.6931471805599453)));
}

}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // COUPONCAST_BASE_VECTOR_MATH_INL_H_
