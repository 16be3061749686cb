#include "base/portable_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "couponcast/response.h"
#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::Random;

double RelativeError(double actual, long double expected) {
  if (expected == 0) return std::fabs(actual);
  return static_cast<double>(std::fabs((static_cast<long double>(actual) - expected) / expected));
}

TEST(PortableMath, ExpIsAccurate) {
  Random random(1);
  double worst = 0;
  for (int i = 0; i < 200000; ++i) {
    const double x = i % 2 == 0 ? random.Between(-700, 700) : random.Between(-2, 2);
    worst = std::max(worst, RelativeError(Exp(x), std::exp(static_cast<long double>(x))));
  }
  EXPECT_LT(worst, 1e-15);
  EXPECT_EQ(Exp(0), 1.0);
  EXPECT_LT(RelativeError(Exp(1), std::exp(1.0L)), 1e-15);
}

TEST(PortableMath, ExpClampsAndKeepsNaN) {
  EXPECT_EQ(Exp(-1e9), 0.0);
  EXPECT_EQ(Exp(-std::numeric_limits<double>::infinity()), 0.0);
  EXPECT_EQ(Exp(1e9), Exp(700));
  EXPECT_EQ(Exp(std::numeric_limits<double>::infinity()), Exp(700));
  EXPECT_TRUE(std::isnan(Exp(std::numeric_limits<double>::quiet_NaN())));
}

TEST(PortableMath, LogIsAccurate) {
  Random random(2);
  double worst = 0;
  for (int i = 0; i < 200000; ++i) {
    const double x = i % 2 == 0 ? std::exp2(random.Between(-1000, 1000)) : random.Between(0.5, 2);
    worst = std::max(worst, RelativeError(Log(x), std::log(static_cast<long double>(x))));
  }
  EXPECT_LT(worst, 1e-14);
  EXPECT_EQ(Log(1), 0.0);
  EXPECT_LT(RelativeError(Log(std::numeric_limits<double>::min()), std::log(static_cast<long double>(std::numeric_limits<double>::min()))),
            1e-14);
  EXPECT_LT(RelativeError(Log(std::nextafter(1.0, 0.0)), std::log(static_cast<long double>(std::nextafter(1.0, 0.0)))), 1e-14);
}

TEST(PortableMath, Log1pIsAccurateForTinyArguments) {
  Random random(3);
  double worst = 0;
  for (int i = 0; i < 200000; ++i) {
    const double x = i % 3 == 0 ? random.Between(0, 1) : std::exp2(random.Between(-200, 60));
    worst = std::max(worst, RelativeError(Log1p(x), std::log1p(static_cast<long double>(x))));
  }
  EXPECT_LT(worst, 1e-14);
  EXPECT_EQ(Log1p(0), 0.0);
}

TEST(PortableMath, SigmoidIsAccurateOnBothSides) {
  Random random(4);
  double worst = 0;
  for (int i = 0; i < 200000; ++i) {
    const double z = i % 2 == 0 ? random.Between(-690, 690) : random.Between(-5, 5);
    worst = std::max(worst, RelativeError(Sigmoid(z), 1 / (1 + std::exp(-static_cast<long double>(z)))));
  }
  EXPECT_LT(worst, 1e-14);
  EXPECT_EQ(Sigmoid(0), 0.5);
  EXPECT_EQ(Sigmoid(-std::numeric_limits<double>::infinity()), 0.0);
  EXPECT_EQ(Sigmoid(std::numeric_limits<double>::infinity()), 1.0);
  EXPECT_TRUE(std::isnan(Sigmoid(std::numeric_limits<double>::quiet_NaN())));
}

TEST(PortableMath, GivesTheseBitsEverywhere) {
  // The same steps in IEEE double done by hand in another language; another processor or compiler must reproduce them.
  EXPECT_EQ(std::bit_cast<uint64_t>(Exp(0.1)), UINT64_C(0x3ff1aec7b35a00d2));
  EXPECT_EQ(std::bit_cast<uint64_t>(Exp(-13.7)), UINT64_C(0x3eb2d4ded4836778));
  EXPECT_EQ(std::bit_cast<uint64_t>(Log(10)), UINT64_C(0x40026bb1bbb55515));
  EXPECT_EQ(std::bit_cast<uint64_t>(Log1p(0.3)), UINT64_C(0x3fd0ca937be1b9db));
  EXPECT_EQ(std::bit_cast<uint64_t>(Sigmoid(-1.3)), UINT64_C(0x3fcb69c25fe3c683));
}

}  // namespace
}  // namespace couponcast
