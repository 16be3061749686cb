// Matrices with a head of columns that many rows hold, as the tiled ways are made for.
#ifndef COUPONCAST_TESTS_SKEWED_MATRIX_FOR_TEST_H_
#define COUPONCAST_TESTS_SKEWED_MATRIX_FOR_TEST_H_

#include <cmath>

#include "tests/test_util.h"

namespace couponcast::testing {

enum class Values { kSmallIntegers, kReal, kLargeIntegers, kManyMagnitudes };

// Column c is held by about a share 1 / (1 + c / 3) of the rows: a head, a tail and what is between.
inline TestMatrix SkewedMatrix(int64_t rows, int64_t cols, Values values, uint64_t seed) {
  Random random(seed);
  Dense dense(static_cast<size_t>(rows), std::vector<float>(static_cast<size_t>(cols), 0.0F));
  for (auto& row : dense) {
    const double activity = random.Below(12) == 0 ? 0 : random.Between(0.1, 1);
    for (size_t c = 0; c < row.size(); ++c) {
      if (random.Between(0, 1) >= activity / (1 + static_cast<double>(c) / 3)) continue;
      switch (values) {
        case Values::kSmallIntegers:
          row[c] = static_cast<float>(1 + random.Below(3));
          break;
        case Values::kReal:
          row[c] = static_cast<float>(random.Between(0.01, 5));
          break;
        case Values::kLargeIntegers:
          row[c] = static_cast<float>(1 + random.Below(1000));
          break;
        case Values::kManyMagnitudes:
          row[c] = static_cast<float>(std::exp2(random.Between(-40, 20)));
          break;
      }
    }
  }
  return {dense, cols};
}

}  // namespace couponcast::testing

#endif  // COUPONCAST_TESTS_SKEWED_MATRIX_FOR_TEST_H_
