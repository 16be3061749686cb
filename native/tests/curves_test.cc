#include "couponcast/curves.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "test_util.h"

namespace couponcast {
namespace {

using testing::Random;

constexpr int64_t kDims = 3;
constexpr size_t kEach = 4;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kUntouched = -77;

struct Data {
  Curves view(double farthest) const { return {.dims = kDims, .knots = knots, .mean = mean, .deviation = deviation, .farthest = farthest}; }
  std::vector<float> features;
  std::vector<int32_t> rows;
  std::vector<double> knots;
  std::vector<double> mean;
  std::vector<double> deviation;
  std::vector<int32_t> places;  // every other column has one, in descending order
  int64_t dense_cols = 0;
};

Data MakeData(int64_t num_features, int64_t num_rows, uint64_t seed) {
  Random random(seed);
  Data data;
  for (int64_t i = 0; i < num_features * kDims; ++i) data.features.push_back(static_cast<float>(random.Between(-3, 3)));
  for (int64_t i = 0; i < num_rows; ++i) data.rows.push_back(static_cast<int32_t>(random.Below(num_features)));
  const size_t columns = kDims * kEach;
  data.dense_cols = static_cast<int64_t>(columns) / 2 + 1;
  for (size_t c = 0; c < columns; ++c) {
    data.knots.push_back(c % kEach == 3 ? std::numeric_limits<double>::max() : random.Between(-3, 3));
    data.mean.push_back(random.Between(-1, 1));
    data.deviation.push_back(c == 5 ? kInfinity : random.Between(0.1, 2));
    data.places.push_back(c % 2 == 0 ? static_cast<int32_t>(columns / 2 - c / 2) : -1);
  }
  return data;
}

float PlainColumn(const Data& data, size_t row, size_t column, double farthest) {
  const auto x = static_cast<double>(data.features[static_cast<size_t>(data.rows[row]) * kDims + column / kEach]);
  const double z = (std::max(0.0, x - data.knots[column]) - data.mean[column]) / data.deviation[column];
  return static_cast<float>(std::clamp(z, -farthest, farthest));
}

std::vector<float> Columns(const Data& data, double farthest, int64_t shard) {
  const auto rows = static_cast<int64_t>(data.rows.size());
  std::vector<float> dense(static_cast<size_t>((rows + 63) / 64 * 64 * data.dense_cols), kUntouched);
  for (int64_t begin = 0; begin < rows; begin += shard) {
    const RowRange range = {.begin = begin, .end = std::min(rows, begin + shard)};
    const auto size = static_cast<size_t>((range.size() + 63) / 64 * 64 * data.dense_cols);
    EXPECT_OK(CurveColumns(data.features, data.rows, data.view(farthest), data.places, data.dense_cols, range, {},
                           std::span(dense).subspan(static_cast<size_t>(begin * data.dense_cols), size)));
  }
  return dense;
}

TEST(Curves, AreThePlainFormula) {
  for (const int64_t rows : {1, 63, 64, 65, 500}) {
    for (const double farthest : {0.5, 6.0, kInfinity}) {
      const Data data = MakeData(40, rows, static_cast<uint64_t>(rows));
      const std::vector<float> dense = Columns(data, farthest, 128);
      std::vector<float> expected(dense.size(), kUntouched);
      for (size_t row = 0; row < data.rows.size(); ++row) {
        for (size_t c = 0; c < data.places.size(); ++c) {
          if (data.places[c] < 0) continue;
          const size_t at = (row / 64 * static_cast<size_t>(data.dense_cols) + static_cast<size_t>(data.places[c])) * 64 + row % 64;
          expected[at] = PlainColumn(data, row, c, farthest);
        }
      }
      EXPECT_EQ(dense, expected);
    }
  }
}

TEST(Curves, DoNotDependOnShards) {
  const Data data = MakeData(100, 1000, 3);
  EXPECT_EQ(Columns(data, 6, 64), Columns(data, 6, 1024));
}

TEST(Curves, ShowWhatIsNotANumber) {
  Data data = MakeData(1, 1, 4);
  data.features.assign(kDims, std::numeric_limits<float>::quiet_NaN());
  EXPECT_TRUE(std::isnan(Columns(data, 6, 64)[static_cast<size_t>(data.places[0]) * 64]));
}

TEST(Curves, RefuseWhatDoesNotFit) {
  Data data = MakeData(10, 100, 5);
  std::vector<float> dense(static_cast<size_t>(128 * data.dense_cols));
  const auto run = [&](RowRange range = {.begin = 0, .end = 100}) {
    return CurveColumns(data.features, data.rows, data.view(6), data.places, data.dense_cols, range, {}, dense);
  };
  ASSERT_OK(run());
  EXPECT_CODE(StatusCode::kOutOfRange, run({.begin = 0, .end = 101}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run({.begin = 32, .end = 100}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run({.begin = 0, .end = 64}));
  for (const int32_t row : {-1, 10}) {
    data.rows[70] = row;
    EXPECT_CODE(StatusCode::kOutOfRange, run());
  }
  data.rows[70] = 0;
  data.places[0] = static_cast<int32_t>(data.dense_cols);
  EXPECT_CODE(StatusCode::kInvalidArgument, run());
  data.places[0] = -2;
  EXPECT_CODE(StatusCode::kInvalidArgument, run());
  data.places[0] = 0;
  EXPECT_CODE(StatusCode::kInvalidArgument,
              CurveColumns(data.features, data.rows, data.view(0), data.places, data.dense_cols, {.begin = 0, .end = 100}, {}, dense));
  data.mean.pop_back();
  EXPECT_CODE(StatusCode::kInvalidArgument, run());
  data.mean.push_back(0);
  data.knots.pop_back();
  EXPECT_CODE(StatusCode::kInvalidArgument, run());
}

TEST(Curves, StopWhenCancelled) {
  const Data data = MakeData(10, 100, 6);
  std::vector<float> dense(static_cast<size_t>(128 * data.dense_cols));
  const int32_t cancelled = 1;
  EXPECT_EQ(CurveColumns(data.features, data.rows, data.view(6), data.places, data.dense_cols, {.begin = 0, .end = 100},
                         CancelFlag(&cancelled), dense)
                .code(),
            StatusCode::kCancelled);
}

}  // namespace
}  // namespace couponcast
