// exp and log in plain double arithmetic. The C library's differ in the last bit between processors (it picks
// variants with fused multiply-add at run time); results of couponcast must not.
#ifndef COUPONCAST_BASE_PORTABLE_MATH_H_
#define COUPONCAST_BASE_PORTABLE_MATH_H_

#include <bit>
#include <cmath>
#include <cstdint>

namespace couponcast {

// e^x, relative error < 1e-15 for |x| <= 700; clamped outside. Cody-Waite reduction, Taylor series on |r| <= ln(2)/2.
inline double Exp(double x) {
  if (!(x > -700)) return x < 0 ? 0.0 : x;  // NaN stays NaN
  if (x > 700) x = 700;
  const double n = std::nearbyint(x * 1.4426950408889634);
  const double r = (x - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;
  double term = 1;
  double sum = 1;
  for (int i = 1; i <= 14; ++i) {
    term *= r / i;
    sum += term;
  }
  return sum * std::bit_cast<double>((static_cast<int64_t>(n) + 1023) << 52);
}

// 2 atanh(s) = 2 (s + s^3 / 3 + s^5 / 5 + ...) for |s| <= 0.18, to the last bits.
inline double TwiceAtanh(double s) {
  const double s2 = s * s;
  double power = s;
  double sum = 0;
  for (int i = 1; i <= 25; i += 2) {
    sum += power / i;
    power *= s2;
  }
  return 2 * sum;
}

// ln(x) for positive normal x, relative error < 1e-14: m in [sqrt(1/2), sqrt(2)), ln(m) = 2 atanh((m - 1) / (m + 1)).
inline double Log(double x) {
  const auto bits = std::bit_cast<int64_t>(x);
  int64_t exponent = (bits >> 52) - 1023;
  auto m = std::bit_cast<double>((bits & 0xFFFFFFFFFFFFFLL) | 0x3FF0000000000000LL);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  return TwiceAtanh((m - 1) / (m + 1)) + static_cast<double>(exponent) * 0.6931471805599453;
}

// ln(1 + x) for x >= 0, relative error < 1e-14 down to the smallest x, where 1 + x would lose its digits.
inline double Log1p(double x) { return x < 0.4 ? TwiceAtanh(x / (2 + x)) : Log(1 + x); }

}  // namespace couponcast

#endif  // COUPONCAST_BASE_PORTABLE_MATH_H_
