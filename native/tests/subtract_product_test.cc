#include "factor/subtract_product.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::ForEachTarget;
using testing::Random;
using testing::SameBits;

// Of a wide range of exponents, so that sums cancel and roundings are halfway.
double Spread(Random* random, double exponents) {
  const double digits = std::floor(random->Between(-64, 64)) / 64 + random->Between(0, 1) * 0x1p-50;
  return std::ldexp(digits, static_cast<int>(random->Between(-exponents, exponents)));
}

// A fused sum has other bits than a product that is rounded first: so every target must fuse.
TEST(SubtractProduct, FusesOnEveryTarget) {
  constexpr int64_t kStride = kProductCols + 5;
  Random random(3);
  for (const int64_t depth : {8, 24, 240}) {
    for (const double exponents : {1, 30, 60, 500}) {
      std::vector<double> left(static_cast<size_t>(depth * kProductCols));
      std::vector<double> right(left.size());
      std::vector<double> out(static_cast<size_t>(kProductRows * kStride));
      for (auto* numbers : {&left, &right, &out}) {
        for (double& number : *numbers) number = Spread(&random, exponents);
      }
      std::vector<double> expected = out;
      for (int64_t r = 0; r < kProductRows; ++r) {
        for (int64_t c = 0; c < kProductCols; ++c) {
          double sum = 0;
          for (int64_t k = 0; k < depth; ++k)
            sum = std::fma(left[static_cast<size_t>(k * kProductCols + r)], right[static_cast<size_t>(k * kProductCols + c)], sum);
          expected[static_cast<size_t>(r * kStride + c)] -= sum;
        }
      }
      ForEachTarget([&] {
        std::vector<double> got = out;
        SubtractProduct(left.data(), right.data(), depth, got.data(), kStride);
        EXPECT_TRUE(SameBits(got, expected));
      });
    }
  }
}

}  // namespace
}  // namespace couponcast
