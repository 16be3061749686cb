#include "couponcast/kmeans_sums.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::ForEachTarget;
using testing::Raised;
using testing::Random;
using testing::SameBits;

constexpr int64_t kRows = 300;
constexpr int64_t kClusters = 4;

struct Points {
  int64_t dims;
  std::vector<float> values;
  std::vector<float> weights;
  std::vector<float> largest;
};

// The second dimension has one value far beyond all others.
Points MakePoints(int64_t dims, uint64_t seed) {
  Random random(seed);
  Points points{.dims = dims, .values = {}, .weights = {}, .largest = std::vector<float>(static_cast<size_t>(dims) + 1)};
  for (int64_t row = 0; row < kRows; ++row) {
    for (int64_t d = 0; d < dims; ++d) {
      points.values.push_back(static_cast<float>(random.Between(-2, 2) * (d == 1 && row == 7 ? 1e12 : std::pow(10, d % 5))));
      float& largest = points.largest[static_cast<size_t>(d)];
      largest = std::max(largest, std::abs(points.values.back()));
    }
    points.weights.push_back(static_cast<float>(random.Between(0, 3)));
    points.largest.back() = std::max(points.largest.back(), points.weights.back());
  }
  return points;
}

std::vector<int32_t> Labels(Random& random) {
  std::vector<int32_t> labels;
  for (int64_t row = 0; row < kRows; ++row) labels.push_back(static_cast<int32_t>(random.Below(kClusters + 1)) - 1);
  return labels;
}

struct Totals {
  std::vector<double> sums;
  std::vector<double> weights = std::vector<double>(kClusters);
  std::vector<double> counts = std::vector<double>(kClusters);
  bool operator==(const Totals& other) const {
    return SameBits(sums, other.sums) && SameBits(weights, other.weights) && counts == other.counts;
  }
};

Totals Read(const Points& points, const std::vector<int64_t>& parts) {
  Totals totals;
  totals.sums.resize(static_cast<size_t>(kClusters * points.dims));
  EXPECT_OK(KmeansReadSums(parts, points.dims, points.largest, kRows, totals.sums, totals.weights, totals.counts));
  return totals;
}

TEST(KmeansSums, AreThoseOfTheLabelsHoweverTheyCameAbout) {
  for (const int64_t dims : {1, 2, 7, 8, 19}) {
    const Points points = MakePoints(dims, static_cast<uint64_t>(dims));
    const auto size = static_cast<size_t>(KmeansSumsSize(kClusters, dims));
    ForEachTarget([&] {
      Random random(5);
      std::vector<int32_t> labels(kRows, -1);
      // Two threads, the rows of which change.
      std::vector<int64_t> parts(2 * size);
      for (int step = 0; step < 4; ++step) {
        const auto next = Labels(random);
        const int64_t cut = random.Below(kRows);
        const std::span both(parts);
        for (const bool first : {true, false}) {
          const RowRange range = first ? RowRange{0, cut} : RowRange{cut, kRows};
          const auto of = [&](const std::vector<int32_t>& all) {
            return std::span(all).subspan(static_cast<size_t>(range.begin), static_cast<size_t>(range.size()));
          };
          EXPECT_OK(KmeansMoveSums(points.values, dims, points.weights, points.largest, of(labels), of(next), range, {},
                                   both.subspan((first == (step % 2 == 0)) ? 0 : size, size)));
        }
        labels = next;
      }
      const Totals moved = Read(points, parts);
      std::vector<int64_t> anew(size);
      EXPECT_OK(KmeansMoveSums(points.values, dims, points.weights, points.largest, std::vector<int32_t>(kRows, -1), labels, {0, kRows}, {},
                               anew));
      EXPECT_EQ(moved, Read(points, anew));
      for (int32_t c = 0; c < kClusters; ++c) {
        double weight = 0;
        double count = 0;
        std::vector<long double> sums(static_cast<size_t>(dims));
        for (size_t i = 0; i < kRows; ++i) {
          if (labels[i] != c) continue;
          weight += static_cast<double>(points.weights[i]);
          ++count;
          for (size_t d = 0; d < sums.size(); ++d)
            sums[d] += static_cast<long double>(points.weights[i]) * static_cast<long double>(points.values[i * sums.size() + d]);
        }
        EXPECT_EQ(moved.counts[static_cast<size_t>(c)], count);
        EXPECT_NEAR(moved.weights[static_cast<size_t>(c)], weight, 1e-12 * weight);
        for (size_t d = 0; d < sums.size(); ++d) {
          const auto sum = static_cast<double>(sums[d]);
          EXPECT_NEAR(moved.sums[static_cast<size_t>(c) * sums.size() + d], sum, 1e-11 * std::abs(sum) + 1e-10) << dims << " " << d;
        }
      }
    });
  }
}

TEST(KmeansSums, ExtremeNumbersStayFinite) {
  for (const float value : {0.0F, 1e-45F, 1e-30F, 3e38F}) {
    const std::vector<float> points = {value, -value, value};
    const std::vector<float> largest = {value, 1};
    std::vector<int64_t> parts(static_cast<size_t>(KmeansSumsSize(1, 1)));
    EXPECT_OK(KmeansMoveSums(points, 1, {}, largest, std::vector<int32_t>(3, -1), std::vector<int32_t>(3, 0), {0, 3}, {}, parts));
    std::vector<double> sums(1);
    std::vector<double> weights(1);
    std::vector<double> counts(1);
    EXPECT_OK(KmeansReadSums(parts, 1, largest, 3, sums, weights, counts));
    EXPECT_EQ(sums[0], static_cast<double>(value));
    EXPECT_EQ(weights[0], 3);
    EXPECT_EQ(counts[0], 3);
  }
}

TEST(KmeansSums, RefusesWhatDoesNotFit) {
  const std::vector<float> points = {1, 2, 3, 4};
  const std::vector<int32_t> none(2, -1);
  std::vector<int32_t> labels = {0, 1};
  std::vector<int64_t> sums(static_cast<size_t>(KmeansSumsSize(2, 2)));
  const std::vector<float> largest = {3, 4, 1};
  const auto run = [&](std::span<const float> most, CancelFlag cancel = {}) {
    return KmeansMoveSums(points, 2, {}, most, none, labels, {0, 2}, cancel, sums);
  };
  EXPECT_OK(run(largest));
  EXPECT_CODE(StatusCode::kCancelled, run(largest, Raised()));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(std::span(largest).first(2)));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(std::vector<float>{3, INFINITY, 1}));
  labels[1] = 2;
  EXPECT_CODE(StatusCode::kOutOfRange, run(largest));
  labels[1] = -2;
  EXPECT_CODE(StatusCode::kOutOfRange, run(largest));
  std::vector<double> out(4);
  std::vector<double> two(2);
  EXPECT_CODE(StatusCode::kInvalidArgument, KmeansReadSums(std::span(sums).first(5), 2, largest, 2, out, two, two));
  EXPECT_CODE(StatusCode::kInvalidArgument, KmeansReadSums(sums, 2, largest, 0, out, two, two));
}

}  // namespace
}  // namespace couponcast
